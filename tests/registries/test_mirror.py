"""A mirror at every kind of registry that names can be removed from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.reading import Reading
from tests.fleet.evidence.examples import P256
from tests.providers.ociregistry.engine_fake import Engine
from tests.providers.ociregistry.mirrored import LATEST, LINE, NEW, OLD, THERE, Fleet
from tests.providers.ociregistry.registry_fake import FakeRegistry
from tests.registries.front import Front
from tests.registries.kinds import Kind, parameters, running

STATEMENTS = 5
"""A provenance, a result, and a bill of materials of each of three platforms."""


@pytest.fixture
def front(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Front]:
    assert isinstance(request.param, Kind)
    with running(request.param, tmp_path / "registry") as served:
        yield served


@pytest.fixture
def fleet(front: Front, registry: FakeRegistry, tmp_path: Path) -> Iterator[Fleet]:
    environment = {
        "DOCKER_CONFIG": str(tmp_path),
        **front.environment,
        "FLEET_PLAIN_HTTP": f"{registry.host},{front.host}",
        "FLEET_SIGNING_KEY": P256,
    }
    with Engine(environment) as engine:
        yield Fleet(engine, registry, front)


@pytest.mark.parametrize("front", parameters(removes=True), indirect=True)
def test_images_and_evidence_come_drift_is_mended_and_what_is_stale_goes(
    fleet: Fleet, front: Front
) -> None:
    fleet.up()
    view = Reading(front.storage, THERE)
    stale = fleet.digests[NEW]
    for tag, digest in fleet.wanted.items():
        assert view.digest(tag) == digest
        assert view.pull(digest)
        assert len(view.referrers(digest)) == STATEMENTS
    front.log.clear()
    fleet.engine.restart()
    assert fleet.up().kind == "same"
    assert front.writes == []
    del fleet.pointers[LINE]
    fleet.pointers[LATEST] = OLD
    fleet.point()
    fleet.engine.restart()
    fleet.up()
    found = {tag: digest for tag, digest in view.tags().items() if not tag.startswith("sha256-")}
    assert found == fleet.wanted
    assert view.pull(stale)
