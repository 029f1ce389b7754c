"""Which base images are needed, and what compiles."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.declaration.parse import parse
from fleet.lock.model import Base
from fleet.releases.lock import bases
from fleet.releases.sources import Digests
from tests.fleet.examples import (
    DIGEST,
    INDEX_DIGEST,
    OTHER_DIGEST,
    PLATFORMS,
    config,
    declaration,
    image,
)
from tests.fleet.releases.outside import Outside

STAND_IN = "localhost:5443/stand-in/python"


def wanted(stand_ins: dict[str, str] | None = None, **overrides: Any) -> tuple[Any, Any]:
    return bases.wanted(declaration(**overrides).images, stand_ins or {})


def test_official_images_serve_and_the_full_one_compiles() -> None:
    found, builders = wanted()
    assert found == {"3.11-slim": ("docker.io/library/python:3.11-slim", set(PLATFORMS))}
    assert builders == {"3.11": ("docker.io/library/python:3.11", set(PLATFORMS))}


def test_what_runs_on_alpine_is_compiled_on_alpine() -> None:
    _, builders = wanted(bases=["alpine", "full"])
    assert {key: name for key, (name, _) in builders.items()} == {
        "3.11": "docker.io/library/python:3.11",
        "3.11-alpine": "docker.io/library/python:3.11-alpine",
    }


def test_alpine_alone_needs_no_other_builder() -> None:
    _, builders = wanted(bases=["alpine"])
    assert set(builders) == {"3.11-alpine"}


def test_an_image_on_another_needs_a_builder_and_no_base() -> None:
    both = {"below": image(pythons=["3.11"]), "above": image(**{"builds-on": "below"})}
    found, builders = bases.wanted(parse(config(images=both)).images, {})
    assert set(found) == {"3.11-slim"}
    alone = parse(config(images=both)).images[1:]
    assert bases.wanted(alone, {}) == ({}, builders)


def test_what_is_excluded_needs_no_base() -> None:
    exclude = [{"python": "3.9", "base": "full", "because": "large"}]
    found, _ = wanted(pythons=["3.9", "3.11"], bases=["slim", "full"], exclude=exclude)
    assert set(found) == {"3.9-slim", "3.11-slim", "3.11-full"}


def test_platforms_are_those_of_all_images() -> None:
    one, other = (image(platforms=[platform]) for platform in PLATFORMS)
    found, builders = bases.wanted(parse(config(images={"one": one, "other": other})).images, {})
    assert found["3.11-slim"][1] == builders["3.11"][1] == set(PLATFORMS)


def test_stand_ins_serve_for_base_and_builder_alike() -> None:
    found, builders = wanted({"3.11-slim": f"{STAND_IN}:3.11-slim"})
    assert found["3.11-slim"][0] == f"{STAND_IN}:3.11-slim"
    assert builders["3.11"][0] == f"{STAND_IN}:3.11-slim"


def test_a_full_stand_in_compiles_where_one_was_made() -> None:
    made = {f"3.11-{base}": f"{STAND_IN}:3.11-{base}" for base in ("slim", "full")}
    assert wanted(made)[1]["3.11"][0] == f"{STAND_IN}:3.11-full"


def digests(index: str = INDEX_DIGEST, **platforms: str) -> Digests:
    """Return what a registry has: everything at one digest, but for what ``platforms`` say."""
    found = dict.fromkeys((*PLATFORMS, "linux/386"), DIGEST)
    return Digests(index=index, platforms={**found, **platforms})


def test_a_base_is_named_by_its_repository_and_digests() -> None:
    found = bases.resolve(f"{STAND_IN}:3.11-slim", PLATFORMS, lambda _: digests())
    assert found.repository == STAND_IN
    assert found.pinned == f"{STAND_IN}@{INDEX_DIGEST}"
    assert dict(found.platforms) == dict.fromkeys(PLATFORMS, DIGEST)


def test_the_pin_moves_only_when_a_platform_of_ours_did() -> None:
    def again(found: Digests, platforms: tuple[str, ...] = PLATFORMS) -> Base:
        return bases.resolve(held.name, platforms, lambda _: found, held)

    held = bases.resolve("docker.io/library/python:3.11", PLATFORMS, lambda _: digests())
    moved = digests(OTHER_DIGEST, **{"linux/386": OTHER_DIGEST})
    assert again(moved) == held
    assert again(moved, PLATFORMS[:1]).digest == INDEX_DIGEST, "fewer are the same as ever"
    ours = again(digests(OTHER_DIGEST, **{PLATFORMS[0]: OTHER_DIGEST}))
    assert (ours.digest, ours.platforms[PLATFORMS[0]]) == (OTHER_DIGEST, OTHER_DIGEST)
    more = again(moved, (*PLATFORMS, "linux/386"))
    assert more.digest == OTHER_DIGEST, "the held index may not have what is new"


def test_another_name_has_a_pin_of_its_own() -> None:
    held = bases.resolve(f"{STAND_IN}:3.11", PLATFORMS, lambda _: digests())
    official = "docker.io/library/python:3.11"
    assert bases.resolve(official, PLATFORMS, lambda _: digests(OTHER_DIGEST), held).digest == (
        OTHER_DIGEST
    )


def test_platforms_that_a_base_lacks_are_named() -> None:
    empty = Digests(index=DIGEST, platforms={})
    with pytest.raises(bases.BaseError, match="has no image for linux/amd64, linux/arm/v7"):
        bases.resolve(f"{STAND_IN}:3.11-slim", PLATFORMS, lambda _: empty)


def test_what_compiles_for_a_python_is_the_locked_one_while_it_has_that_name() -> None:
    images = declaration(bases=["slim", "alpine"]).images
    platforms = dict.fromkeys((*PLATFORMS, "linux/386"), DIGEST)
    digests = Digests(index=DIGEST, platforms=platforms)
    there = replace(Outside().sources(), platforms=lambda _: digests)
    gone = replace(there, platforms=lambda _: Digests(index=DIGEST, platforms={}))
    found = bases.compiling("3.11", images, {}, there)
    assert found.name == "docker.io/library/python:3.11"
    assert set(found.platforms) == set(PLATFORMS)
    held = {"3.11": found}
    assert bases.compiling("3.11", images, held, gone) is found
    made = {"3.11-slim": f"{STAND_IN}:3.11-slim"}
    stand_in = bases.compiling("3.11", images, held, replace(there, stand_ins=made))
    assert stand_in.name == made["3.11-slim"]


def test_a_base_is_as_old_as_its_oldest_platform() -> None:
    days = {PLATFORMS[0]: "2026-11-03", PLATFORMS[1]: "2026-11-02", "linux/386": "2020-01-01"}
    found = replace(digests(), created=days)
    made = bases.resolve("docker.io/library/python:3.11", PLATFORMS, lambda _: found)
    assert made.created == "2026-11-02"
    partly = replace(digests(), created={PLATFORMS[0]: "2026-11-03"})
    assert not bases.resolve("x/python:3.11", PLATFORMS, lambda _: partly).created
