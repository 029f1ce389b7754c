"""What compiles what has no wheel: by recorded file lists, and rule by rule."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from fleet.declaration.model import Image
from fleet.lock.model import Lock, Tools
from fleet.releases.lock.build_tools import Task, ToolError, tools_for
from fleet.releases.lock.locked_files import LockedFiles
from fleet.releases.lock.requirements import Resolution, Wanted
from fleet.releases.lock.uv import ResolutionError
from fleet.releases.pypi.pypi import File
from fleet.releases.pypi.sdists import SdistError
from fleet.releases.sources import Sources
from tests.fleet.examples import declaration
from tests.fleet.releases.outside import Outside, file, recorded

ARM = "linux/arm/v7 glibc"
GEVENT = ("setuptools >= 40.8.0", "Cython >= 3.2.4", "cffi >= 2.1.1", "greenlet >= 3.2.2")
BUILDS = {
    "gevent": GEVENT,
    "greenlet": ("setuptools >= 77.0.3",),
    "cffi": ("setuptools >= 77.0.3",),
    "setproctitle": ("setuptools>=40.8.0", "wheel"),
    "watchfiles": ("maturin>=0.14.16,<2",),
}
VERSIONS = {
    "gevent": "26.9.0", "greenlet": "3.5.6", "cffi": "2.1.1", "cython": "3.2.4",
    "setuptools": "82.0.1", "setproctitle": "1.3.8", "watchfiles": "1.3.0",
}  # fmt: skip


def web(**overrides: Any) -> Image:
    return declaration(**overrides).images[0]


PLACES = {
    "gevent": ("x86_64.whl", ""), "greenlet": ("x86_64.whl", ""),
    "setproctitle": ("x86_64.whl", ""), "watchfiles": ("x86_64.whl", "armv7l.whl"),
    "cython": ("x86_64.whl", "armv7l.whl"), "setuptools": ("any.whl", "any.whl"),
}  # fmt: skip
"""How the wheels end that are installed on amd64 and on arm/v7, to run or to build."""


class Recorded:
    """The index as it was recorded; what builds it is resolved to those same versions."""

    def __init__(self) -> None:
        self.wanted: list[Wanted] = []

    def sources(self) -> Sources:
        return replace(
            Outside().sources(),
            distributions=self.distributions,
            files=lambda name: recorded()[name],
            build_requires=lambda sdist: BUILDS[sdist.name.rpartition("-")[0]],
        )

    def distributions(self, wanted: Wanted) -> Resolution:
        self.wanted.append(wanted)
        asked = {one.split(">")[0].strip().lower() for one in wanted.requirements} - {"wheel"}
        return resolution(*asked)


def pin(name: str) -> str:
    return f"{name}=={VERSIONS[name]}"


def resolution(*names: str) -> Resolution:
    hashes = {pin(name): tuple(f.sha256 for f in recorded()[name]) for name in names}
    return Resolution(pins=tuple(sorted(hashes)), hashes=hashes)


def found(
    needs: Mapping[str, tuple[str, ...]],
    sources: Sources,
    image: Image | None = None,
    **hashes: tuple[str, ...],
) -> tuple[Tools, LockedFiles]:
    """Return what compiles ``needs`` on Python 3.11, of files with ``hashes`` by distribution."""
    files = LockedFiles(held=Lock(), hashes={pin(n): h for n, h in hashes.items()}, sources=sources)
    return tools_for(Task(image=image or web(), python="3.11", needs=needs), files), files


def test_gevent_on_arm_is_compiled_and_so_is_some_of_what_builds_it() -> None:
    world = Recorded()
    pins = tuple(map(pin, ("gevent", "greenlet", "setproctitle", "watchfiles")))
    needs = {ARM: pins, "linux/amd64 glibc": pins}
    tools, files = found(needs, world.sources())
    without = tuple(map(pin, ("cffi", "gevent", "greenlet", "setproctitle")))
    assert tools.compiled == {ARM: without}, "cffi builds gevent, and has no wheel itself"
    assert set(tools.sources) == set(without)
    address, _, digest = tools.sources[pin("cffi")].partition("#sha256=")
    assert address.startswith("https://files.pythonhosted.org/")
    assert address.endswith("/cffi-2.1.1.tar.gz")
    assert f"sha256:{digest}" in {f.sha256 for f in recorded()["cffi"]}
    assert tools.pins == tuple(map(pin, ("cffi", "cython", "greenlet", "setuptools")))
    assert set(files.named) == set(map(pin, PLACES)), "backends have a wheel or are compiled"
    for name, endings in PLACES.items():
        for target, ending in zip(("linux/amd64 glibc", ARM), endings, strict=True):
            address = (files.wheel(pin(name), "3.11", target) or "").partition("#")[0]
            assert (address[-len(ending) :] if ending else address) == ending
    assert "setuptools >= 77.0.3" in world.wanted[-1].requirements, "which builds cffi"
    assert pin("greenlet") in world.wanted[0].near, "what is compiled with it runs with it"
    assert all(wanted.upstream for wanted in world.wanted), "not an extra of these is declared here"


def test_a_source_that_brings_its_own_backend_needs_nothing_else() -> None:
    index = Recorded()
    sources = replace(index.sources(), build_requires=lambda _: ())
    tools, _ = found({"linux/arm/v7 glibc": (pin("setproctitle"),)}, sources)
    assert tools.compiled == {"linux/arm/v7 glibc": (pin("setproctitle"),)}
    assert (tools.pins, index.wanted) == ((), [])


def test_where_everything_has_a_wheel_nothing_builds_it() -> None:
    world = Recorded()
    tools, files = found({"linux/amd64 glibc": (pin("gevent"),)}, world.sources())
    assert (tools.pins, tools.compiled) == ((), {})
    assert world.wanted == []
    ((address,),) = files.named.values()
    assert "gevent-26.9.0-cp311-cp311-manylinux" in address


def test_a_wheel_that_the_lock_does_not_know_does_not_count() -> None:
    known = tuple(f.sha256 for f in recorded()["gevent"] if f.name.endswith(".tar.gz"))
    needs = {"linux/amd64 glibc": (pin("gevent"),)}
    tools, _ = found(needs, Recorded().sources(), gevent=known)
    assert tools.compiled == {"linux/amd64 glibc": (pin("gevent"),)}


def test_rust_is_told_before_a_build_finds_it_missing() -> None:
    needs = {"linux/arm/v7 musl": (pin("watchfiles"),)}
    with pytest.raises(ToolError) as failure:
        found(needs, Recorded().sources(), image=web(bases=["alpine"]))
    told = str(failure.value)
    assert told.startswith("  - watchfiles==1.3.0 for linux/arm")
    assert "maturin builds it with Rust, which no builder has" in told
    assert "Declare it in fleet:images.web.lacks.linux/arm/v7, or" in told


@pytest.mark.parametrize(
    ("targets", "keys"),
    [
        (["linux/arm/v7 musl"], ["linux/arm/v7 alpine"]),
        (["linux/s390x glibc"], ["linux/s390x full", "linux/s390x slim"]),
        (
            ["linux/arm/v7 musl", "linux/s390x glibc", "linux/s390x musl"],
            ["linux/arm/v7 alpine", "linux/s390x"],
        ),
    ],
)
def test_the_remedy_names_the_bases_that_lack_it_and_no_other(
    targets: list[str], keys: list[str]
) -> None:
    needs = dict.fromkeys(targets, (pin("watchfiles"),))
    named = ", ".join(f"fleet:images.web.lacks.{key}" for key in keys)
    with pytest.raises(ToolError, match=re.escape(f"Declare it in {named}, or leave")):
        found(needs, Recorded().sources(), image=web(bases=["full", "slim", "alpine"]))


def test_everything_that_cannot_be_had_is_told_at_once() -> None:
    wheels = file("greenlet==3.5.6", "cp312-cp312-linux_x86_64.whl")

    def files(name: str) -> tuple[File, ...]:
        return (wheels,) if name == "greenlet" else recorded()[name]

    def unreadable(sdist: File) -> tuple[str, ...]:
        raise SdistError(f"{sdist.name}: it unpacks to more than is read of any")

    sources = replace(Recorded().sources(), files=files, build_requires=unreadable)
    needs = {ARM: (pin("gevent"), pin("greenlet")), "linux/arm64 musl": (pin("greenlet"),)}
    with pytest.raises(ToolError) as failure:
        found(needs, sources)
    told = str(failure.value)
    assert f"gevent==26.9.0 for {ARM}: has no wheel there, and can't be compiled" in told
    assert f"greenlet==3.5.6 for {ARM}, linux/arm64 musl: has no wheel there, and no source" in told


def test_backends_that_do_not_fit_together_are_named() -> None:
    def refuse(_: Wanted) -> Resolution:
        raise ResolutionError("No solution found")

    sources = replace(Recorded().sources(), distributions=refuse)
    with pytest.raises(ResolutionError, match=r"web on Python 3\.11: what compiles .*Cython >= 3"):
        found({ARM: (pin("gevent"),)}, sources)


def test_what_builds_what_builds_has_an_end() -> None:
    rounds = iter(range(100))

    def endless(_: Wanted) -> Resolution:
        number = next(rounds)
        sdists.append(file(f"backend=={number}", "tar.gz"))
        pins = (f"backend=={number}",)
        return Resolution(pins=pins, hashes={pins[0]: (sdists[-1].sha256,)})

    sdists: list[File] = []

    def files(name: str) -> tuple[File, ...]:
        return tuple(sdists) if name == "backend" else recorded()[name]

    sources = replace(
        Recorded().sources(), distributions=endless, files=files, build_requires=lambda _: ("x",)
    )
    with pytest.raises(ToolError, match="are circular"):
        found({ARM: (pin("gevent"),)}, sources)
