"""GitHub's token authentication: a package that does not exist yet stops no first run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.reading import Reading
from tests.engine.seeding import PLATFORMS, push_build
from tests.providers.ociregistry.engine_fake import STALE, TAG, Engine
from tests.providers.ociregistry.registry_fake import serving
from tests.registries.front import Front, fronting

NAME, BUILD = "team/app", "team/app/build"


@pytest.fixture
def front() -> Iterator[Front]:
    with serving() as storage, fronting(storage.host, ghcr=True) as front:
        yield front
        assert front.github is not None
        assert front.github.violations == []


@pytest.fixture
def environment(front: Front, tmp_path: Path) -> dict[str, str]:
    return {"DOCKER_CONFIG": str(tmp_path), **front.environment}


def tag(front: Front, digest: str) -> dict[str, Any]:
    return {
        "ref": f"{front.host}/{NAME}:v1",
        "source": f"{front.host}/{BUILD}@{digest}",
        "platforms": list(PLATFORMS),
        "annotations": {},
        "identity": "first",
        "owner": "fleet/dev",
        "onConflict": "refuse",
    }


def stale(front: Front) -> dict[str, Any]:
    return {
        "repository": f"{front.host}/{NAME}",
        "owner": "fleet/dev",
        "pointers": ["LATEST"],
        "grammar": [{"kind": "LATEST", "pattern": "LATEST"}],
        "policy": {"LATEST": "remove"},
        "maxRemovals": 0.5,
    }


def test_a_first_preview_of_a_package_that_does_not_exist_yet_finds_nothing_there(
    front: Front, environment: dict[str, str]
) -> None:
    with Engine(environment) as engine:
        assert engine.preview(TAG, "v1", tag(front, "")).kind == "create"
        assert engine.preview(STALE, "stale", stale(front)).kind == "create"
    assert front.tokens.refused > 0
    assert front.writes == []


def test_a_first_up_makes_the_package(front: Front, environment: dict[str, str]) -> None:
    built = push_build(front, BUILD, "seed")
    with Engine(environment) as engine:
        engine.up(TAG, "v1", tag(front, built))
        assert engine.up(STALE, "stale", stale(front)).kind == "create"
        refused = front.tokens.refused
        assert engine.preview(TAG, "v1", tag(front, built)).kind == "same"
    assert set(Reading(front.storage, NAME).pull("v1")) == set(PLATFORMS)
    assert front.tokens.refused == refused, "what exists may be read without more"
