"""Locking against a declared mirror of the official bases."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.checkout.stack_config import config_file, declaration_of_file
from fleet.declaration.parse import parse
from fleet.http.errors import UnreachableError
from fleet.lock.model import Lock
from fleet.registry.errors import AuthenticationError
from fleet.registry.login import Logins, find_logins
from fleet.releases.lock import bases
from fleet.releases.lock.bases import BaseError, locked_bases, platform_digests
from fleet.releases.sources import Digests, Refresh, Sources
from tests.fleet.examples import DIGEST, INDEX_DIGEST, OTHER_DIGEST, PLATFORMS, config, image
from tests.fleet.releases.outside import Outside
from tests.providers.ociregistry.registry_fake import FakeRegistry, serving

ROOT = Path(__file__).parents[3]
MIRROR = "mirror.example.org/library"
IMAGES = parse(config(images={"web": image(bases=["full", "slim"])})).images


def sources(mirror: str = MIRROR, world: Outside | None = None) -> Sources:
    return replace((world or Outside()).sources(), base_registry=mirror)


def locked(given: Sources, held: Lock | None = None) -> Lock:
    found, builders = locked_bases(IMAGES, held or Lock(), given, Refresh())
    return Lock(bases=found, builders=builders)


def refusal(given: Sources) -> str:
    with pytest.raises(BaseError) as caught:
        locked(given)
    return str(caught.value)


def only(*references: str, platforms: tuple[str, ...] = PLATFORMS) -> Callable[[str], Digests]:
    """A registry that has ``references`` for all platforms, and the rest for ``platforms``."""

    def base(reference: str) -> Digests:
        if not platforms and reference not in references:
            raise BaseError(f"{reference} is not there")
        own = PLATFORMS if reference in references else platforms
        return Digests(index=INDEX_DIGEST, platforms=dict.fromkeys(own, DIGEST))

    return base


def test_bases_and_what_compiles_are_asked_for_in_the_mirror_and_keep_their_names() -> None:
    world = Outside()
    found = locked(sources(world=world))
    assert set(world.asked) == {f"{MIRROR}/python:3.11", f"{MIRROR}/python:3.11-slim"}
    slim, full = found.bases["3.11-slim"], found.builders["3.11"]
    assert (slim.name, full.name) == (
        "docker.io/library/python:3.11-slim", "docker.io/library/python:3.11",
    )  # fmt: skip
    assert slim.pinned == full.pinned == f"{MIRROR}/python@{INDEX_DIGEST}"
    assert slim.identity == f"docker.io/library/python@{INDEX_DIGEST}"


def test_each_python_has_its_own_bases_of_the_mirror() -> None:
    declared = config(images={"web": image(pythons=["3.11", "3.13"], bases=["full", "slim"])})
    found, builders = locked_bases(parse(declared).images, Lock(), sources(), Refresh())
    assert set(found) == {"3.11-full", "3.11-slim", "3.13-full", "3.13-slim"}
    assert found["3.13-full"].name == builders["3.13"].name == "docker.io/library/python:3.13"
    assert {base.repository for base in found.values()} == {f"{MIRROR}/python"}


def test_another_mirror_is_asked_without_a_refresh_and_the_same_one_is_not() -> None:
    held = locked(sources())
    world = Outside()
    assert locked(sources(world=world), held) == held
    assert world.asked == []
    official = locked(sources("", world), held)
    assert "docker.io/library/python:3.11-slim" in world.asked
    assert official.bases["3.11-slim"].repository == "docker.io/library/python"
    assert official.bases["3.11-slim"].identity == held.bases["3.11-slim"].identity


def test_the_index_of_another_place_is_not_kept_where_this_one_has_its_own() -> None:
    """A mirror of fewer platforms has an index of its own, and may not have the other one."""
    found = locked(sources(world=Outside(index=OTHER_DIGEST)), locked(sources("")))
    assert found.bases["3.11-slim"].digest == OTHER_DIGEST


def test_what_compiles_for_a_source_comes_from_the_mirror_that_is_declared_now() -> None:
    given = replace(sources(), platforms=only())
    found = bases.compiling("3.11", IMAGES, locked(sources("")).builders, given)
    assert found.repository == f"{MIRROR}/python"
    held = {"3.11": found}
    unreachable = replace(given, platforms=only(platforms=()))
    assert bases.compiling("3.11", IMAGES, held, unreachable) is found


def test_every_base_that_is_missing_is_named_once_with_where_and_what_to_do() -> None:
    assert refusal(replace(sources(), platforms=only(platforms=()))) == (
        "fleet:base-registry: 2 of 2 base images are missing in mirror.example.org/library:\n"
        "  - mirror.example.org/library/python:3.11 is not there\n"
        "  - mirror.example.org/library/python:3.11-slim is not there\n"
        "Copy each there from docker.io/library, with all declared platforms (`skopeo copy --all`, "
        "`crane copy`; `docker push` copies one alone), or declare only Pythons, bases and "
        "platforms that the mirror has."
    )
    some = only(f"{MIRROR}/python:3.11", platforms=PLATFORMS[:1])
    lines = refusal(replace(sources(), platforms=some)).splitlines()
    assert "1 of 2 base images" in lines[0]
    assert lines[1] == f"  - {MIRROR}/python:3.11-slim has no image for linux/arm/v7"
    assert len(lines) == 3


def test_of_the_production_fleet_an_empty_mirror_has_all_bases_named_at_once() -> None:
    images = declaration_of_file(config_file(ROOT, "prod")).images
    given = replace(sources(), platforms=only(platforms=()))
    with pytest.raises(BaseError) as caught:
        locked_bases(images, Lock(), given, Refresh())
    first, *listed, remedy = str(caught.value).splitlines()
    pythons = {python for each in images for python in each.pythons}
    assert f"{len(listed)} of {len(listed)} base images are missing" in first
    assert set(listed) == {
        f"  - {MIRROR}/python:{python}{base} is not there"
        for python in pythons
        for base in ("", "-slim", "-alpine")
    }
    assert remedy.startswith("Copy each there")


def test_without_a_mirror_all_are_named_too_and_the_declaration_is_to_be_corrected() -> None:
    assert refusal(replace(sources(""), platforms=only(platforms=()))) == (
        "fleet:images: base images are missing:\n"
        "  - docker.io/library/python:3.11 is not there\n"
        "  - docker.io/library/python:3.11-slim is not there\n"
        "Correct the Pythons, bases or platforms."
    )


def test_a_mirror_that_cannot_be_reached_is_an_error_with_the_remedy() -> None:
    asked = []

    def lost(reference: str) -> Digests:
        asked.append(reference)
        raise UnreachableError(f"{reference}: Connection refused")

    found = refusal(replace(sources(), platforms=lost))
    assert found.startswith(f"fleet:base-registry: {MIRROR} can't be reached: ")
    assert "Connection refused\nGive this machine access to it" in found
    assert "Nothing stands in for a declared mirror" in found
    assert asked == [f"{MIRROR}/python:3.11"], "a lost host is not asked for each base"


def test_without_docker_io_in_reach_the_mirror_is_named() -> None:
    def lost(reference: str) -> Digests:
        raise UnreachableError(f"{reference}: Connection refused")

    found = refusal(replace(sources(""), platforms=lost))
    assert found.startswith("fleet:images: docker.io/library can't be reached: docker.io/library/")
    assert "Connection refused\nGive this machine access to it" in found
    assert 'fleet:base-registry (docs/declaration.md, "A mirror of the official bases")' in found


def test_a_stand_in_that_cannot_be_reached_asks_for_no_mirror() -> None:
    def lost(reference: str) -> Digests:
        raise UnreachableError(f"{reference}: Connection refused")

    made = {"3.11-slim": "localhost:5443/stand-in/python:3.11-slim"}
    made |= {"3.11-full": "localhost:5443/stand-in/python:3.11"}
    with pytest.raises(UnreachableError, match="stand-in"):
        locked(replace(sources(""), platforms=lost, stand_ins=made))


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegistry]:
    """A registry that speaks plain HTTP, with a Python below a path."""
    with serving() as fake:
        monkeypatch.setenv("FLEET_PLAIN_HTTP", fake.host)
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        fake.push_index("proxy/library/python", "3.11")
        yield fake


def logins(host: str) -> Logins:
    names = {host: {"username": "OUR_USER", "password": "OUR_WORD"}}
    return find_logins(names, {"OUR_USER": "octocat", "OUR_WORD": "secret"})


def test_it_is_asked_over_http_by_its_path(mirror: FakeRegistry) -> None:
    given = replace(sources(f"{mirror.host}/proxy/library"), platforms=platform_digests)
    said = refusal(given)
    assert f"  - {mirror.host}/proxy/library/python:3.11 has no image for linux/arm/v7" in said
    assert f"  - {mirror.host}/proxy/library/python:3.11-slim is not there" in said


def test_an_image_that_was_copied_alone_is_named_with_how_to_copy_all(mirror: FakeRegistry) -> None:
    storage = mirror.repositories["proxy/library/python"]
    storage.tags["3.11-slim"] = mirror.push_image("proxy/library/python", "linux/amd64")
    said = refusal(replace(sources(f"{mirror.host}/proxy/library"), platforms=platform_digests))
    assert (
        f"  - {mirror.host}/proxy/library/python:3.11-slim is not an index of platforms (" in said
    )
    assert "`skopeo copy --all`" in said


def test_it_gets_its_own_login_and_that_of_no_other_host(mirror: FakeRegistry) -> None:
    pair = base64.b64encode(b"octocat:secret").decode()
    mirror.authorization, mirror.challenge = f"Basic {pair}", 'Basic realm="mirror"'
    reference = f"{mirror.host}/proxy/library/python:3.11"
    assert platform_digests(reference, logins(mirror.host)).platforms
    with pytest.raises(AuthenticationError, match="docker login"):
        platform_digests(reference, logins("ghcr.io"))
