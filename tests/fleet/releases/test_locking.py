"""Bringing a lock up to a declaration, with the outside stood in for."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.lock.model import Lock
from fleet.lock.serialization import parse as parse_lock
from fleet.lock.serialization import values_of
from fleet.releases.lock.bases import BaseError
from fleet.releases.lock.build_tools import ToolError
from fleet.releases.lock.locking import completed
from fleet.releases.pypi.index import cooldown_of
from fleet.releases.pypi.pypi import File
from fleet.releases.sources import Refresh
from tests.fleet.examples import (
    DIGEST,
    INSTALLER,
    OTHER_DIGEST,
    PLATFORMS,
    config,
    declaration,
    gaps,
    image,
    wheel,
)
from tests.fleet.releases.outside import Outside, file


def locked(
    declared: Declaration, held: Lock | None = None, again: Refresh | None = None, **outside: Any
) -> tuple[Lock, Outside]:
    world = Outside(**outside)
    if held:
        world.list(held)
    return completed(held or Lock(), declared, world.sources(), again or Refresh()), world


def resolved(world: Outside) -> list[str]:
    return [text for text in world.asked if " on " in text]


def test_a_new_lock_covers_the_declaration() -> None:
    declared = declaration()
    lock, world = locked(declared)
    assert gaps(declared, lock) == []
    assert world.asked == [
        # Bases first: where one can't be had, nothing is resolved in vain.
        "docker.io/library/python:3.11-slim",
        "docker.io/library/python:3.11",
        "yanked uvicorn",
        "uvicorn==0.33.0 gunicorn on 3.11",
        "uvicorn==0.34.0 gunicorn on 3.11",
        *["files installer"] * 2,
        "files gunicorn",
        *["files uvicorn"] * 2,
        # Whether a newer release has no wheel.
        *["files gunicorn"] * 2,
    ]
    assert parse_lock(values_of(lock), "lock.yaml", "prod") == lock


def test_each_look_outside_is_told() -> None:
    _, world = locked(declaration(), sdist_only={"gunicorn": ("setuptools",)})
    assert world.said == [
        "resolving uvicorn==0.33.0 for Python 3.11",
        "resolving uvicorn==0.34.0 for Python 3.11",
        "looking for what installs wheels",
        "looking for the files of web on Python 3.11",
        "looking for what compiles in web on Python 3.11",
    ]


@pytest.mark.parametrize("sdist_only", [{}, {"gunicorn": ("setuptools",)}])
def test_a_covering_lock_asks_nobody_and_stays_as_it_is(sdist_only: dict[str, Any]) -> None:
    lock, _ = locked(declaration(), sdist_only=sdist_only)
    again, world = locked(declaration(), lock)
    assert again == lock
    assert (world.asked, world.said) == ([], [])


WHEELS = {
    "gunicorn": (
        "py3-none-any.whl", "cp311-cp311-manylinux2014_x86_64.whl",
        "cp311-cp311-musllinux_1_2_x86_64.whl", "cp312-cp312-manylinux2014_x86_64.whl", "tar.gz",
    )
}  # fmt: skip


def test_only_files_that_are_installed_somewhere_are_named() -> None:
    lock, _ = locked(declaration(), wheels=WHEELS)
    assert lock.files["gunicorn==9.0.0"] == (
        file("gunicorn==9.0.0", WHEELS["gunicorn"][1]).address,
        file("gunicorn==9.0.0", WHEELS["gunicorn"][0]).address,
    )
    assert list(lock.files) == [
        "gunicorn==9.0.0", INSTALLER, "uvicorn==0.33.0", "uvicorn==0.34.0",
    ]  # fmt: skip


def test_a_pin_gets_the_file_of_what_is_declared_since_and_is_not_resolved_again() -> None:
    lock, _ = locked(declaration(platforms=["linux/amd64"]), wheels=WHEELS)
    own = (file("gunicorn==9.0.0", WHEELS["gunicorn"][1]).address,)
    assert lock.files["gunicorn==9.0.0"] == own
    wider = declaration(platforms=["linux/amd64"], bases=["slim", "alpine"])
    again, world = locked(wider, lock, wheels=WHEELS, newest="10.0.0")
    assert (again.pins, resolved(world)) == (lock.pins, [])
    musl = file("gunicorn==9.0.0", WHEELS["gunicorn"][2]).address
    assert again.files["gunicorn==9.0.0"] == (*own, musl)
    assert {**again.files, "gunicorn==9.0.0": own} == lock.files
    assert [asked for asked in world.asked if asked.startswith("files")] == ["files gunicorn"]
    assert gaps(wider, again) == []


def test_a_lock_without_files_gets_those_of_its_pins() -> None:
    lock, _ = locked(declaration())
    again, world = locked(declaration(), replace(lock, files={}, installer=""), newest="10.0.0")
    assert (again, resolved(world)) == (lock, [])


def test_no_file_counts_that_the_resolver_did_not_list() -> None:
    """Of what was resolved just now: of what is held, the lock knows no other hashes."""
    world = Outside()
    other = replace(file("gunicorn==9.0.0", "cp311-abi3-manylinux1_x86_64.whl"), sha256=DIGEST)
    sources = replace(
        world.sources(), files=lambda n: (*world.files(n), *([other] if n == "gunicorn" else []))
    )
    lock = completed(Lock(), declaration(), sources, Refresh())
    assert lock.files["gunicorn==9.0.0"] == (file("gunicorn==9.0.0").address,)


def test_a_late_file_does_not_count_under_a_cooldown_unless_the_whole_release_is_late() -> None:
    world, wheels = Outside(wheels=WHEELS), WHEELS["gunicorn"]
    cooldown = cooldown_of(7, datetime(2026, 1, 8, tzinfo=UTC))

    def uploaded(*late: str) -> Lock:
        def files(name: str) -> tuple[File, ...]:
            return tuple(
                replace(one, uploaded=datetime(2026, 1, 7, tzinfo=UTC))
                if name == "gunicorn" and one.name.endswith(late)
                else one
                for one in world.files(name)
            )

        sources = replace(world.sources(), files=files, cooldown=cooldown)
        return completed(Lock(), declaration(platforms=["linux/amd64"]), sources, Refresh())

    chosen = {
        late: uploaded(*late).files["gunicorn==9.0.0"]
        for late in [("x86_64.whl",), WHEELS["gunicorn"]]
    }
    assert list(chosen.values()) == [
        (file("gunicorn==9.0.0", wheels[0]).address,),
        (file("gunicorn==9.0.0", wheels[1]).address,),
    ]


def test_a_new_version_is_resolved_and_the_others_stay() -> None:
    lock, _ = locked(declaration())
    declared = declaration(versions=["0.33.0", "0.34.0", "0.35.0"])
    again, world = locked(declared, lock, newest="10.0.0")
    assert resolved(world) == ["uvicorn==0.35.0 gunicorn on 3.11"]
    assert again.pins.items() >= lock.pins.items()
    assert again.bases == lock.bases


def test_a_new_version_takes_along_what_the_others_hold() -> None:
    lock, _ = locked(declaration())
    again, _ = locked(declaration(versions=["0.34.0", "0.35.0"]), lock, newest="10.0.0")
    assert again.pins[("web", "3.11", "0.35.0")] == ("gunicorn==9.0.0", "uvicorn==0.35.0")


def test_what_is_declared_no_more_leaves_the_lock() -> None:
    lock, _ = locked(declaration())
    again, _ = locked(declaration(versions=["0.34.0"]), lock)
    assert [version for _, _, version in again.pins] == ["0.34.0"]
    assert "uvicorn==0.33.0" not in again.files


def test_what_is_excluded_from_every_base_is_not_resolved() -> None:
    declared = declaration(
        pythons=["3.9", "3.11"], exclude=[{"python": "3.9", "version": "0.34.0", "because": "old"}]
    )
    lock, world = locked(declared)
    assert ("web", "3.9", "0.34.0") not in lock.pins
    assert len(resolved(world)) == 3
    assert gaps(declared, lock) == []


def test_what_one_base_has_is_resolved() -> None:
    exclude = [{"base": "full", "version": "0.34.0", "because": "large"}]
    lock, _ = locked(declaration(bases=["slim", "full"], exclude=exclude))
    assert ("web", "3.11", "0.34.0") in lock.pins


def test_other_distributions_are_resolved_anew() -> None:
    lock, _ = locked(declaration())
    _, world = locked(declaration(extras=["standard"]), lock)
    assert "uvicorn[standard]==0.34.0 gunicorn on 3.11" in world.asked


def test_the_newest_is_asked_for_only_on_request_and_of_that_image_alone() -> None:
    declared = parse(config(images={"web": image(), "api": image(package="hypercorn")}))
    lock, _ = locked(declared)
    again, world = locked(declared, lock, Refresh(newest=frozenset({"api"})), newest="10.0.0")
    assert all("hypercorn" in text for text in resolved(world))
    assert again.pins[("api", "3.11", "0.34.0")] == ("gunicorn==10.0.0", "hypercorn==0.34.0")
    assert again.pins[("web", "3.11", "0.34.0")] == lock.pins[("web", "3.11", "0.34.0")]


def test_files_that_are_locked_stay_but_for_what_is_resolved_anew() -> None:
    declared = declaration()
    lock, _ = locked(declared)
    held = replace(lock, files={**lock.files, "gunicorn==9.0.0": (wheel("gunicorn==9.0.0"),)})
    more, _ = locked(declaration(versions=["0.33.0", "0.34.0", "0.35.0"]), held)
    assert more.files["gunicorn==9.0.0"] == held.files["gunicorn==9.0.0"]
    anew, _ = locked(declared, held, Refresh(newest=frozenset({"web"})))
    assert anew.files == lock.files


def test_bases_are_asked_for_again_only_on_request() -> None:
    declared = declaration()
    lock, _ = locked(declared)
    same, _ = locked(declared, lock, digest=OTHER_DIGEST)
    assert same == lock
    again, _ = locked(declared, lock, Refresh(bases=True), digest=OTHER_DIGEST)
    assert again.bases["3.11-slim"].platforms["linux/amd64"] == OTHER_DIGEST
    assert again.builders == lock.builders, "what was compiled is copied when a base moves"


def test_a_version_that_was_yanked_since_is_seen_on_request() -> None:
    lock, _ = locked(declaration())
    _, world = locked(declaration(), lock, Refresh(yanked=True))
    assert set(world.asked) == {"yanked uvicorn", "yanked gunicorn"}


def test_a_new_platform_has_its_base_looked_up() -> None:
    lock, _ = locked(declaration(platforms=["linux/amd64"]))
    again, world = locked(declaration(), lock)
    assert "docker.io/library/python:3.11-slim" in world.asked
    assert set(again.bases["3.11-slim"].platforms) == set(PLATFORMS)


def test_a_base_without_a_declared_platform_is_an_error_that_names_it() -> None:
    with pytest.raises(BaseError, match=r"python:3\.11-slim has no image for linux/arm/v7"):
        locked(declaration(), platforms=("linux/amd64",))


def test_two_images_share_what_they_have_in_common() -> None:
    _, world = locked(parse(config(images={"web": image(), "api": image()})))
    assert world.asked.count("docker.io/library/python:3.11-slim") == 1
    assert world.asked.count("yanked uvicorn") == 1


def test_what_cannot_be_built_of_all_images_is_told_at_once() -> None:
    bases = {"bases": ["slim", "alpine"], "versions": ["0.34.0"]}
    declared = parse(
        config(
            images={
                "web": image(pythons=["3.11", "3.12"], **bases),
                "api": image(requires=["h11"], **bases),
            }
        )
    )
    rust = {"gunicorn": ("maturin",), "h11": ("maturin",)}
    with pytest.raises(ToolError) as failure:
        locked(declared, sdist_only=rust)
    first, web, second, api = (
        line for line in str(failure.value).splitlines() if line.endswith(":") or " - " in line
    )
    assert first == "web on Python 3.11, 3.12 can't be built:"
    assert web.startswith("  - gunicorn==9.0.0 for ")
    assert second == "api on Python 3.11 can't be built:"
    assert api.startswith("  - h11==9.0.0 for ")


@pytest.mark.parametrize(
    "change",
    [
        {"lacks": {"linux/arm/v7": ["gunicorn"]}},
        {"platforms": ["linux/amd64"]},
        {"bases": ["slim", "alpine"]},
    ],
)
def test_what_compiles_is_looked_for_again_when_it_is_for_something_else(
    change: dict[str, Any],
) -> None:
    compiling = {"gunicorn": ("setuptools",)}
    lock, _ = locked(declaration(), sdist_only=compiling)
    again, world = locked(declaration(**change), lock, sdist_only=compiling)
    assert "files gunicorn" in world.asked
    assert again.tools[("web", "3.11")] != lock.tools[("web", "3.11")]
    anew, _ = locked(declaration(**change), sdist_only=compiling)
    assert (again.tools, again.files) == (anew.tools, anew.files)


def test_a_version_that_leaves_has_nobody_asked() -> None:
    compiling = {"gunicorn": ("setuptools",)}
    lock, _ = locked(declaration(), sdist_only=compiling)
    again, world = locked(declaration(versions=["0.34.0"]), lock, sdist_only=compiling)
    assert (again.tools, world.asked) == (lock.tools, [])


def test_what_builds_stays_when_a_version_comes_along() -> None:
    compiling = {"gunicorn": ("setuptools",)}
    lock, _ = locked(declaration(), sdist_only=compiling)
    declared = declaration(versions=["0.34.0", "0.35.0"])
    again, _ = locked(declared, lock, newest="10.0.0", sdist_only=compiling)
    assert again.tools[("web", "3.11")].pins == lock.tools[("web", "3.11")].pins


def test_a_lock_that_says_nothing_of_tools_is_completed() -> None:
    compiling = {"gunicorn": ("setuptools",)}
    lock, _ = locked(declaration(), sdist_only=compiling)
    again, _ = locked(declaration(), replace(lock, tools={}), sdist_only=compiling)
    assert again == lock


def test_what_is_compiled_stays_so_though_a_wheel_came_since() -> None:
    lock, _ = locked(declaration(), sdist_only={"gunicorn": ("setuptools",)})
    wheels = {"gunicorn": ("tar.gz", "py3-none-any.whl")}
    musl = declaration(bases=["slim", "alpine"])
    again, _ = locked(musl, lock, wheels=wheels, sdist_only={"gunicorn": ("setuptools",)})
    assert again.tools == lock.tools, "alpine has the wheel"
    assert gaps(musl, again) == []


def test_what_nothing_compiles_any_more_has_no_tools() -> None:
    lock, _ = locked(declaration(), sdist_only={"gunicorn": ("setuptools",)})
    lacks = {platform: ["gunicorn"] for platform in PLATFORMS}
    again, _ = locked(declaration(lacks=lacks), lock, sdist_only={"gunicorn": ("setuptools",)})
    assert again.tools == {}
    assert "setuptools==9.0.0" not in again.files


def yank(lock: Lock, *gone: str, **outside: Any) -> tuple[Lock, Outside]:
    """Refresh ``lock`` after the pins in ``gone`` were yanked."""
    again = Refresh(yanked=True)
    return locked(declaration(), lock, again, newest="10.0.0", gone=gone, **outside)


def test_a_pin_that_nobody_asks_for_and_that_was_yanked_moves_at_the_refresh() -> None:
    lock, _ = locked(declaration(), brings={"gunicorn": ("packaging==26.0",)})
    brings = {"gunicorn": ("packaging==26.1",)}
    again, world = yank(lock, "packaging==26.0", brings=brings)
    assert again.pins[("web", "3.11", "0.34.0")] == (
        "gunicorn==9.0.0", "packaging==26.1", "uvicorn==0.34.0",
    )  # fmt: skip
    assert "packaging==26.0" not in {pin for wanted in world.wanted for pin in wanted.near}
    same, world = yank(again, "packaging==26.0", brings=brings)
    assert (same, world.wanted) == (again, [])


def test_without_a_refresh_nobody_asks_what_was_yanked() -> None:
    lock, _ = locked(declaration())
    again, world = locked(declaration(), lock, gone=("gunicorn==9.0.0",))
    assert (again, world.asked) == (lock, [])


def test_a_version_that_is_declared_stays_though_it_was_yanked() -> None:
    lock, _ = locked(declaration())
    again, world = yank(lock, "uvicorn==0.34.0")
    assert (again.pins, world.wanted) == (lock.pins, [])


def test_a_build_backend_that_was_yanked_moves() -> None:
    compiling = {"gunicorn": ("setuptools",)}
    lock, _ = locked(declaration(), sdist_only=compiling)
    again, _ = yank(lock, "setuptools==9.0.0", sdist_only=compiling)
    assert again.tools[("web", "3.11")].pins == ("setuptools==10.0.0",)
    assert again.pins == lock.pins


def test_no_cooldown_sends_back_what_builds_of_an_image_that_is_resolved_anew() -> None:
    compiling = {"gunicorn": ("setuptools",)}
    lock, _ = locked(declaration(), sdist_only=compiling)
    again = Refresh(newest=frozenset({"web"}))
    _, world = locked(declaration(), lock, again, sdist_only=compiling)
    backends = [wanted for wanted in world.wanted if wanted.upstream]
    assert {wanted.allowed for wanted in backends} == {("setuptools==9.0.0",)}
    others = [wanted for wanted in world.wanted if not wanted.upstream]
    assert all("gunicorn==9.0.0" in wanted.allowed for wanted in others)
    assert not any(wanted.near for wanted in others), "or nothing would move"
