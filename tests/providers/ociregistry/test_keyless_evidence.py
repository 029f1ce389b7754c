"""Evidence that the workflow signs by its identity, through its life."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.evidence.errors import EvidenceError
from fleet.evidence.identity import Identity
from fleet.registry.client import Client
from fleet.registry.reference import TagReference
from fleet.sigstore.keyless import Services
from fleet.upkeep.trusted import Trusted
from fleet.upkeep.verify import Wanted, verify_tags
from providers.ociregistry.evidence.model import kinds_of
from tests.fleet.evidence.examples import P256
from tests.fleet.sigstore.services_fake import ENVIRONMENT, IDENTITY, ISSUER, FakeSigstore
from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.declared import NAME, OWNER, PLATFORMS, Declared
from tests.providers.ociregistry.engine_fake import TAG, CheckFailedError, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry

REF = "py3.13-slim-0.34.0"
KEYLESS = {"identity": IDENTITY, "issuer": ISSUER}
STATEMENTS = 5


@pytest.fixture
def fake(tmp_path: Path) -> FakeSigstore:
    return FakeSigstore(tmp_path)


@pytest.fixture
def environment(registry: FakeRegistry, tmp_path: Path, fake: FakeSigstore) -> dict[str, str]:
    root = tmp_path / "root.jsonl"
    root.write_text(json.dumps(fake.trusted_root()))
    here = {"FLEET_PLAIN_HTTP": registry.host, "DOCKER_CONFIG": str(tmp_path)}
    return {**here, **ENVIRONMENT, "FLEET_TRUSTED_ROOT": str(root)}


@pytest.fixture
def engine(environment: dict[str, str], fake: FakeSigstore) -> Iterator[Engine]:
    with Engine(environment, services=Services(opened=fake.open)) as made:
        yield made


@pytest.fixture
def inputs(registry: FakeRegistry) -> dict[str, Any]:
    declared = Declared(registry)
    return declared.evidence(declared.version(REF), keys=[], keyless=KEYLESS)


def as_a_person(engine: Engine, environment: dict[str, str], **more: str) -> None:
    for name in ENVIRONMENT:
        environment.pop(name, None)
    environment |= more
    engine.restart()


def signatures(fake: FakeSigstore) -> int:
    return sum("rekor" in place for place in fake.requests)


def test_all_is_signed_and_what_is_there_is_adopted_by_anybody(
    engine: Engine, fake: FakeSigstore, inputs: dict[str, Any], environment: dict[str, str]
) -> None:
    step = engine.up(TAG, REF, inputs)
    assert step.outputs["signed"]["statements"].keys() == {*kinds_of(PLATFORMS)}
    assert signatures(fake) == STATEMENTS
    assert len(fake.attestations) == 1
    assert engine.up(TAG, REF, inputs).kind == "same"
    engine.resources.clear()
    as_a_person(engine, environment)
    assert engine.up(TAG, REF, inputs).outputs == step.outputs
    assert signatures(fake) == STATEMENTS


def test_without_its_authority_what_is_there_is_signed_again(
    engine: Engine, fake: FakeSigstore, inputs: dict[str, Any], environment: dict[str, str]
) -> None:
    engine.up(TAG, REF, inputs)
    engine.resources.clear()
    del environment["FLEET_TRUSTED_ROOT"]
    engine.restart()
    engine.up(TAG, REF, inputs)
    assert signatures(fake) == 2 * STATEMENTS


def test_a_person_who_has_something_to_sign_is_told_and_nothing_is_attached(
    engine: Engine, registry: FakeRegistry, inputs: dict[str, Any], environment: dict[str, str]
) -> None:
    as_a_person(engine, environment)
    registry.log.clear()
    with pytest.raises(EvidenceError, match="no identity to sign with"):
        engine.up(TAG, REF, inputs)
    assert registry.writes == []


def test_beside_a_key_a_person_signs_with_that_and_either_counts(
    engine: Engine, fake: FakeSigstore, inputs: dict[str, Any], environment: dict[str, str],
    registry: FakeRegistry,
) -> None:  # fmt: skip
    keys = Declared(registry).evidence(inputs)["evidence"]["keys"]
    both = {**inputs, "evidence": {**inputs["evidence"], "keys": keys}}
    as_a_person(engine, environment, FLEET_SIGNING_KEY=P256)
    engine.up(TAG, REF, both)
    environment |= ENVIRONMENT
    engine.resources.clear()
    engine.restart()
    engine.up(TAG, REF, both)
    assert signatures(fake) == 0
    engine.up(TAG, REF, inputs)
    assert signatures(fake) == STATEMENTS


def test_what_github_does_not_store_is_not_attached(
    engine: Engine, fake: FakeSigstore, inputs: dict[str, Any], registry: FakeRegistry
) -> None:
    fake.refuses = "attestations"
    registry.log.clear()
    with pytest.raises(EvidenceError, match="attestations: refused, 403"):
        engine.up(TAG, REF, inputs)
    assert registry.writes == []


@pytest.mark.parametrize(
    ("keyless", "name"),
    [({}, "keys"), ({"identity": IDENTITY}, "keyless"), ({"issuer": ISSUER}, "keyless")],
)
def test_nobody_to_sign_is_refused(
    engine: Engine, inputs: dict[str, Any], keyless: dict[str, str], name: str
) -> None:
    with pytest.raises(CheckFailedError) as caught:
        engine.up(TAG, REF, {**inputs, "evidence": {**inputs["evidence"], "keyless": keyless}})
    assert caught.value.failures.keys() == {f"evidence.{name}"}


def test_verify_prints_the_workflow_that_signed(
    engine: Engine, fake: FakeSigstore, inputs: dict[str, Any], environment: dict[str, str],
    registry: FakeRegistry,
) -> None:  # fmt: skip
    engine.up(TAG, REF, inputs)
    call = Caller(registry, environment)
    who = Identity(name=IDENTITY, issuer=ISSUER)

    async def run(client: Client) -> Any:
        ref = TagReference(repository=call.repository, tag=REF)
        tags = [Wanted(ref=ref, kinds=kinds_of(PLATFORMS))]
        trusted = Trusted(identity=who, authorities=fake.authorities)
        return await verify_tags(client, tags, OWNER, trusted)

    (found,) = call(run)
    assert (found.problems, found.signers) == ((), (IDENTITY,))
    assert NAME in str(found.wanted.ref)
