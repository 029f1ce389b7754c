"""Bringing a lock up to a declaration, with the outside stood in for."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.declaration import Declaration
from fleet.lock import Lock
from fleet.lock_format import parse as parse_lock
from fleet.lock_format import values_of
from fleet.needs import identity_of
from fleet.parse import parse
from fleet.plan import make_plan
from fleet.problems import DeclarationError
from releases.bases import BaseError
from releases.locking import completed
from releases.sources import Refresh
from releases.tools import ToolError
from tests.fleet.examples import DIGEST, OTHER_DIGEST, PLATFORMS, config, declaration, image, inputs
from tests.releases.outside import Outside

PURE = ("gunicorn==9.0.0", "uvicorn==0.33.0", "uvicorn==0.34.0")


def locked(
    declared: Declaration, held: Lock | None = None, again: Refresh | None = None, **outside: Any
) -> tuple[Lock, Outside]:
    world = Outside(**outside)
    if held:
        world.known |= held.hashes.keys()
    return completed(held or Lock(), declared, world.sources(), again or Refresh()), world


def resolved(world: Outside) -> list[str]:
    return [text for text in world.asked if " on " in text]


def test_a_new_lock_covers_the_declaration() -> None:
    declared = declaration()
    lock, world = locked(declared)
    make_plan(declared, inputs(declared, lock=lock), "fleet/test")
    assert world.asked == [
        # Bases first: where one can't be had, nothing is resolved in vain.
        "docker.io/library/python:3.11-slim",
        "docker.io/library/python:3.11",
        "yanked uvicorn",
        "uvicorn==0.33.0 gunicorn on 3.11",
        "uvicorn==0.34.0 gunicorn on 3.11",
        *["files gunicorn", "files uvicorn", "files uvicorn"] * len(PLATFORMS),
        # Whether a newer release has no wheel.
        *["files gunicorn"] * 2,
    ]
    assert parse_lock(values_of(lock), "lock.yaml", "prod") == lock


def test_each_look_outside_is_told() -> None:
    _, world = locked(declaration())
    assert world.said == [
        "resolving uvicorn==0.33.0 for Python 3.11",
        "resolving uvicorn==0.34.0 for Python 3.11",
        "looking for what has no wheel in web on Python 3.11",
    ]


def test_a_covering_lock_asks_nobody_and_stays_as_it_is() -> None:
    lock, _ = locked(declaration())
    again, world = locked(declaration(), lock)
    assert again == lock
    assert world.asked == []


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
    assert "uvicorn==0.33.0" not in again.hashes


def test_what_is_excluded_from_every_base_is_not_resolved() -> None:
    declared = declaration(
        pythons=["3.9", "3.11"], exclude=[{"python": "3.9", "version": "0.34.0", "because": "old"}]
    )
    lock, world = locked(declared)
    assert ("web", "3.9", "0.34.0") not in lock.pins
    assert len(resolved(world)) == 3
    assert make_plan(declared, inputs(declared, lock=lock), "fleet/test")


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


def test_hashes_that_are_locked_stay_but_for_what_is_resolved_anew() -> None:
    declared = declaration()
    lock, _ = locked(declared)
    held = {**lock.hashes, "gunicorn==9.0.0": (OTHER_DIGEST,)}
    older = Lock(pins=lock.pins, asked=lock.asked, hashes=held)
    more, _ = locked(declaration(versions=["0.33.0", "0.34.0", "0.35.0"], pure=True), older)
    assert more.hashes["gunicorn==9.0.0"] == (OTHER_DIGEST,)
    anew, _ = locked(declared, older, Refresh(newest=frozenset({"web"})))
    assert anew.hashes == lock.hashes


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


def test_that_an_image_is_pure_is_looked_at_once() -> None:
    declared = declaration(pure=True)
    lock, world = locked(declared)
    tools = lock.tools[("web", "3.11")]
    assert (tools.pure, tools.pins, tools.compiled) == (True, (), {})
    assert "files gunicorn" in world.asked
    assert parse_lock(values_of(lock), "lock.yaml", "prod") == lock
    assert make_plan(declared, inputs(declared, lock=lock), "fleet/test")
    again, world = locked(declared, lock)
    assert again == lock
    assert world.asked == []


def test_what_is_declared_to_be_pure_since_is_looked_at() -> None:
    lock, _ = locked(declaration())
    declared = declaration(pure=True)
    with pytest.raises(DeclarationError, match=r"that all is pure Python on Python 3\.11"):
        make_plan(declared, inputs(declared, lock=lock), "fleet/test")
    again, world = locked(declared, lock)
    assert "files gunicorn" in world.asked
    assert again.tools[("web", "3.11")].pure


def test_what_is_pure_no_more_is_not_told_to_be() -> None:
    lock, _ = locked(declaration(pure=True))
    again, _ = locked(declaration(), lock)
    assert again == locked(declaration())[0]


def test_all_that_is_not_pure_is_told_at_once_for_each_image() -> None:
    images = {name: image(pure=True, pythons=["3.11", "3.12"]) for name in ("web", "api")}
    with pytest.raises(ToolError) as failure:
        locked(parse(config(images=images)), sdist_only={"gunicorn": (), "uvicorn": ()})
    why = "without a wheel, and in a pure image nothing is compiled"
    assert str(failure.value).splitlines() == [
        f"fleet:images.{name}.pure: {why}: {', '.join(PURE)}. "
        f"Take `pure` out of fleet:images.{name}, or these out of it"
        for name in ("web", "api")
    ]


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
    first, web, second, api = str(failure.value).splitlines()
    assert first == "web on Python 3.11, 3.12 can't be built:"
    assert web.startswith("  - gunicorn==9.0.0 for ")
    assert second == "api on Python 3.11 can't be built:"
    assert api.startswith("  - h11==9.0.0 for ")


@pytest.mark.parametrize(
    "change",
    [
        {"versions": ["0.34.0"]},
        {"lacks": {"linux/arm/v7": ["gunicorn"]}},
        {"platforms": ["linux/amd64"]},
        {"bases": ["slim", "alpine"]},
    ],
)
def test_wheels_are_looked_for_again_when_something_else_is_installed(
    change: dict[str, Any],
) -> None:
    compiling = {"gunicorn": ("setuptools",)}
    lock, _ = locked(declaration(), sdist_only=compiling)
    again, world = locked(declaration(**change), lock, sdist_only=compiling)
    assert "files gunicorn" in world.asked
    assert again.tools[("web", "3.11")] != lock.tools[("web", "3.11")]


def test_a_lock_of_older_format_is_written_anew_without_another_look() -> None:
    lock, _ = locked(declaration())
    tools = lock.tools[("web", "3.11")]
    hashed = replace(tools, looked_at={}, found_for=identity_of(tools.looked_at))
    older = replace(lock, tools={("web", "3.11"): hashed})
    assert make_plan(declaration(), inputs(declaration(), lock=older), "fleet/test")
    again, world = locked(declaration(), older)
    assert again == lock
    assert world.asked == []


def test_what_builds_stays_when_a_version_comes_along() -> None:
    compiling = {"gunicorn": ("setuptools",)}
    lock, _ = locked(declaration(), sdist_only=compiling)
    declared = declaration(versions=["0.34.0", "0.35.0"])
    again, _ = locked(declared, lock, newest="10.0.0", sdist_only=compiling)
    assert again.tools[("web", "3.11")].pins == lock.tools[("web", "3.11")].pins


def test_a_lock_that_says_nothing_of_tools_is_completed() -> None:
    lock, _ = locked(declaration())
    older = Lock(pins=lock.pins, asked=lock.asked, hashes=lock.hashes, yanked=lock.yanked)
    again, world = locked(declaration(), older)
    assert again.tools == lock.tools
    assert resolved(world) == []
    assert DIGEST in again.bases["3.11-slim"].platforms.values()


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
