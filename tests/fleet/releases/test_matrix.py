"""Pythons and releases together: what a new Python waits for, and what both change."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from fleet.declaration.model import Image
from fleet.declaration.parse import parse
from fleet.registry.errors import UnreachableError
from fleet.releases.discovery.change import DiscoveryError
from fleet.releases.discovery.discover import Matrix, matrix_of
from fleet.releases.discovery.pythons import PythonList
from fleet.releases.lock.bases import BaseError
from fleet.releases.pypi.index import Cooldown, cooldown_of
from fleet.releases.sources import Digests, Sources
from tests.fleet.examples import DIGEST, PLATFORMS, config, declaration, image
from tests.fleet.releases import outside
from tests.fleet.releases.listing import listed, made_up, recorded_cycles, recorded_releases

DEFAULTS = ("config", "fleet:defaults", "pythons")
ADDING = {"python-releases": {"add": True}}
FOUND = listed(made_up("uvicorn", "1.0.0"))


def matrix(
    images: tuple[Image, ...],
    sources: Sources | None = None,
    cooldown: Cooldown = outside.NO_COOLDOWN,
    **index: Any,
) -> Matrix:
    found = {"uvicorn": recorded_releases("uvicorn"), **index}
    given = replace(
        sources or outside.Outside().sources(),
        files=lambda name: tuple(f for release in found[name].values() for f in release.files),
        cooldown=cooldown,
    )
    lists = [PythonList(path=DEFAULTS, images=images)]
    return matrix_of(lists, recorded_cycles(), date(2026, 11, 23), given)


def with_bases(*there: str, platforms: tuple[str, ...] = PLATFORMS) -> Sources:
    """Base images of which only ``there`` are on the registry."""

    def digests(reference: str) -> Digests:
        if reference.rpartition(":")[2] not in there:
            raise BaseError(f"{reference} is not there")
        return Digests(index=DIGEST, platforms=dict.fromkeys(platforms, DIGEST))

    return replace(outside.Outside().sources(), platforms=digests)


def told(found: Matrix) -> list[str]:
    return [f"{change.what} {change.how}: {change.why}" for change in found.changes]


def test_a_new_python_comes_with_its_exclusions() -> None:
    declared = declaration(pythons=["3.13"], versions=["1.0.0", "2.0.0"], **ADDING)
    found = matrix(
        declared.images,
        uvicorn=listed(
            made_up("uvicorn", "1.0.0", requires="<3.14"),
            made_up("uvicorn", "2.0.0", requires=">=3.9"),
        ),
    )
    assert found.pythons == {DEFAULTS: ("3.13", "3.14")}
    assert found.images[0].pythons == ("3.13", "3.14")
    assert told(found) == [
        "Python 3.14 comes: it was released",
        "1.0.0 on Python 3.14 is left out: needs Python 3.13 at most",
    ]


def test_a_cooldown_holds_back_what_is_fresh_from_lists_and_pythons() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    fresh = [
        replace(one, uploaded=now - timedelta(days=1))
        for one in made_up("uvicorn", "2.0.0", requires=">=3.9")
    ]
    found = listed(made_up("uvicorn", "1.0.0", requires="<3.14"), fresh)
    declared = declaration(
        pythons=["3.13"], versions=["1.0.0"], releases={"max-versions": 2}, **ADDING
    )
    held = matrix(declared.images, cooldown=cooldown_of(7, now), uvicorn=found)
    assert held.images[0].versions == ("1.0.0",)
    assert held.pythons == {DEFAULTS: ("3.13",)}, "not a release that may be taken allows 3.14"
    assert "2.0.0 waits: it was uploaded less than 7 days ago" in told(held)
    at_once = matrix(declared.images, uvicorn=found)
    assert at_once.images[0].versions == ("1.0.0", "2.0.0")
    assert at_once.pythons == {DEFAULTS: ("3.13", "3.14")}


def test_a_retired_python_takes_its_exclusions_along() -> None:
    out = {"python": "3.9", "version": "0.54.0", "because": "needs Python 3.10"}
    declared = declaration(
        pythons=["3.9", "3.13"], versions=["0.39.0", "0.54.0"], exclude=[out],
        releases={"max-versions": 2}, **{"python-releases": {"retire": "at end of life"}},
    )  # fmt: skip
    found = matrix(declared.images)
    assert (found.images[0].pythons, found.images[0].exclude) == (("3.13",), ())
    assert found.images[0].versions == ("0.53.0", "0.54.0"), "0.39.0 was for Python 3.9"


def test_a_new_python_waits_for_a_release_that_allows_it() -> None:
    declared = declaration(pythons=["3.13"], versions=["1.0.0"], **ADDING)
    old = listed(made_up("uvicorn", "1.0.0", requires="<3.14"))
    found = matrix(declared.images, uvicorn=old)
    assert found.pythons == {DEFAULTS: ("3.13",)}
    assert told(found) == [
        "Python 3.14 waits: no release of uvicorn that web can take allows it",
    ]


@pytest.mark.parametrize(
    ("sources", "why"),
    [
        (with_bases("3.14"), "docker.io/library/python:3.14-slim is not there"),
        (with_bases("3.14-slim"), "docker.io/library/python:3.14 is not there"),
        (
            with_bases("3.14", "3.14-slim", platforms=PLATFORMS[:1]),
            "docker.io/library/python:3.14-slim has no image for linux/arm/v7",
        ),
    ],
)
def test_a_new_python_waits_for_its_base_images(sources: Sources, why: str) -> None:
    declared = declaration(pythons=["3.13"], versions=["1.0.0"], **ADDING)
    found = matrix(declared.images, sources, uvicorn=FOUND)
    assert found.pythons == {DEFAULTS: ("3.13",)}
    assert told(found) == [f"Python 3.14 waits: {why}"]


def test_a_new_python_waits_for_the_declared_mirror_to_have_it() -> None:
    declared = declaration(pythons=["3.13"], versions=["1.0.0"], **ADDING)
    sources = replace(with_bases("3.14"), base_registry="mirror.example.org/library")
    found = matrix(declared.images, sources, uvicorn=FOUND)
    why = "mirror.example.org/library/python:3.14-slim is not there"
    assert told(found) == [f"Python 3.14 waits: {why}"]


def test_a_registry_that_is_down_makes_nothing_wait() -> None:
    def down(reference: str) -> Digests:
        raise UnreachableError(f"{reference} did not answer")

    declared = declaration(pythons=["3.13"], versions=["1.0.0"], **ADDING)
    sources = replace(with_bases(), platforms=down)
    with pytest.raises(UnreachableError):
        matrix(declared.images, sources, uvicorn=FOUND)


def test_a_python_that_all_images_can_have_comes_for_all() -> None:
    defaults = {**ADDING, "pythons": ["3.13"], "versions": ["1.0.0"]}
    bare = {k: v for k, v in image().items() if k not in ("pythons", "versions")}
    images = {"one": bare, "other": {**bare, "package": "flask"}}
    declared = parse(config(defaults=defaults, images=images)).images
    late = listed(made_up("flask", "1.0.0", requires="<3.14"), package="flask")
    assert matrix(declared, uvicorn=FOUND, flask=late).pythons == {DEFAULTS: ("3.13",)}
    flask = listed(made_up("flask", "1.0.0"), package="flask")
    assert matrix(declared, uvicorn=FOUND, flask=flask).pythons == {DEFAULTS: ("3.13", "3.14")}


def test_an_image_that_follows_nothing_is_left_alone() -> None:
    declared = declaration(versions=["0.0.0"])
    found = matrix(declared.images)
    assert (found.images, found.changes) == ((), ())


def test_an_index_without_most_of_an_image_is_refused_before_anything_is_decided() -> None:
    declared = declaration(versions=["7.0.0", "8.0.0"], releases={})
    with pytest.raises(DiscoveryError, match=r"web: .*lacks 7\.0\.0, 8\.0\.0"):
        matrix(declared.images)
