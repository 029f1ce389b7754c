"""What an image installs where, and whether a lock has a file or a source of it."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.problems import Problem
from fleet.lock.model import Lock, Needs, Tools, machine_of
from fleet.plan.installed import needs_of, unfound
from tests.fleet.examples import base, config, covering, declaration, gaps, image, lock, wheel

AMD, ARM = "linux/amd64 glibc", "linux/arm/v7 glibc"


def test_needs_are_those_of_all_versions_by_platform_and_libc() -> None:
    lacks = {"linux/arm/v7": ["gunicorn"]}
    image = declaration(bases=["slim", "full", "alpine"], lacks=lacks).images[0]
    pins = {
        ("web", "3.11", "0.33.0"): ("gunicorn==23.0.0", "uvicorn==0.33.0"),
        ("web", "3.11", "0.34.0"): (
            "gunicorn==23.0.0", "uvicorn==0.34.0", "uvloop==1 ; platform_machine == 'x86_64'",
        ),
    }  # fmt: skip
    needs = needs_of(image, "3.11", {"web": image}, Lock(pins=pins))
    arm = ("uvicorn==0.33.0", "uvicorn==0.34.0")
    amd64 = ("gunicorn==23.0.0", *arm, "uvloop==1")
    assert needs == {
        "linux/amd64 glibc": amd64, "linux/amd64 musl": amd64, ARM: arm, "linux/arm/v7 musl": arm,
    }  # fmt: skip


def test_what_has_neither_a_wheel_nor_a_source_is_unfound() -> None:
    declared = declaration(versions=["0.34.0"])
    one, images = declared.images[0], declared.by_name
    arm = wheel("gunicorn==23.0.0", "cp311-cp311-manylinux2014_armv7l.whl")
    files = {"gunicorn==23.0.0": (arm,), "uvicorn==0.34.0": (wheel("uvicorn==0.34.0"),)}
    held = lock(declared, files=files)
    assert unfound(one, "3.11", images, held) == {AMD: ("gunicorn==23.0.0",)}
    tools = Tools(
        pins=("setuptools==80.0.0",), compiled={AMD: ("gunicorn==23.0.0",)},
        sources={"gunicorn==23.0.0": "https://files.example/gunicorn-23.0.0.tar.gz"},
    )  # fmt: skip
    compiling = replace(held, tools={("web", "3.11"): tools})
    assert unfound(one, "3.11", images, compiling) == {AMD: ("setuptools==80.0.0",)}
    assert unfound(one, "3.11", images, covering(compiling)) == {}


def special(declared: Declaration) -> Lock:
    """A lock with a wheel of gunicorn for every platform and C library of ``declared``."""
    held = lock(declared)
    machines = [machine_of(platform) for platform in declared.images[0].platforms]
    endings = {
        "glibc": "cp311-cp311-manylinux2014_{}.whl", "musl": "cp311-cp311-musllinux_1_2_{}.whl",
    }  # fmt: skip
    pin = "gunicorn==23.0.0"
    needed = needs_of(declared.images[0], "3.11", declared.by_name, held)
    there = {target for target, pins in needed.items() if pin in pins}
    files = tuple(
        wheel(pin, endings[target.rpartition(" ")[2]].format(machine))
        for machine in machines
        for target in sorted(there)
        if machine_of(target.rpartition(" ")[0]) == machine
    )
    return replace(held, files={**held.files, pin: files})


def told(before: dict[str, Any], after: dict[str, Any]) -> list[Problem]:
    """Return what a lock that was made for ``before`` does not cover of what ``after`` declares."""
    declared = declaration(**after)
    held = special(declaration(**before))
    held = replace(
        held, bases={"3.11-slim": base(), "3.11-alpine": base()},
        builders={"3.11": base(), "3.11-alpine": base()},
    )  # fmt: skip
    return gaps(declared, held)


MORE = [
    ({"platforms": ["linux/amd64"]}, {}, "linux/arm/v7 glibc on Python 3.11"),
    (
        {}, {"bases": ["slim", "alpine"]},
        "linux/amd64 musl on Python 3.11, linux/arm/v7 musl on Python 3.11",
    ),
    ({"lacks": {"linux/arm/v7": ["gunicorn"]}}, {}, "linux/arm/v7 glibc on Python 3.11"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "where"), MORE)
def test_what_the_lock_has_no_file_of_is_told_before_a_build_finds_it(
    before: dict[str, Any], after: dict[str, Any], where: str
) -> None:
    (problem,) = told(before, after)
    assert problem.what == f"the lock has no file of gunicorn==23.0.0 for {where}"
    assert problem.remedy == "Run `make lock STACK=dev`"


@pytest.mark.parametrize(("after", "before", "where"), MORE)
def test_what_leaves_the_declaration_needs_no_other_lock(
    before: dict[str, Any], after: dict[str, Any], where: str
) -> None:
    del where
    assert told(before, after) == []


def test_a_version_that_leaves_needs_no_other_lock() -> None:
    assert told({}, {"versions": ["0.34.0"]}) == []


def family(**web: Any) -> Declaration:
    below = image(package="gunicorn", requires=["uvicorn"], versions=["23.0.0"])
    return parse(config(images={"base": below, "web": image(versions=["0.34.0"], **web)}))


def test_what_the_image_below_brought_along_needs_a_file_when_it_is_not_built_on_any_more() -> None:
    on_base = family(**{"builds-on": "base"}, platforms=["linux/amd64"])
    pins = {
        ("base", "3.11", "23.0.0"): ("gunicorn==23.0.0", "uvicorn==0.34.0"),
        ("web", "3.11", "0.34.0"): ("gunicorn==23.0.0", "uvicorn==0.34.0"),
    }
    images = on_base.by_name
    held = lock(on_base, pins=pins)
    assert gaps(on_base, held) == []
    assert needs_of(images["web"], "3.11", images, held) == {AMD: ()}
    alone = family().by_name
    assert needs_of(alone["web"], "3.11", alone, held)[AMD] == pins["web", "3.11", "0.34.0"]


def test_pins_that_are_not_there_are_told_and_nothing_is_looked_for_in_them() -> None:
    declared = family(**{"builds-on": "base"})
    held = lock(declared, pins={("web", "3.11", "0.34.0"): ("uvicorn==0.34.0",)}, files={})
    assert "the lock has no gunicorn, uvicorn" in gaps(declared, held)[0].what
    assert not any("not a file of" in problem.what for problem in gaps(declared, held))


def test_what_one_base_lacks_the_others_need() -> None:
    pins = {("web", "3.11", "0.34.0"): ("gunicorn==23.0.0", "uvicorn==0.34.0")}
    held = Lock(pins=pins)

    def needs(*bases: str, **lacks: list[str]) -> Needs:
        spelt = {f"linux/arm/v7 {base}": lacking for base, lacking in lacks.items()}
        image = declaration(versions=["0.34.0"], bases=list(bases), lacks=spelt).images[0]
        return needs_of(image, "3.11", {"web": image}, held)

    one = needs("full", "slim", "alpine", alpine=["gunicorn"], slim=["gunicorn"])
    assert one["linux/arm/v7 musl"] == ("uvicorn==0.34.0",)
    assert one[ARM] == ("gunicorn==23.0.0", "uvicorn==0.34.0"), "full needs it"
    both = needs("full", "slim", full=["gunicorn"], slim=["gunicorn"])
    assert both[ARM] == ("uvicorn==0.34.0",)
