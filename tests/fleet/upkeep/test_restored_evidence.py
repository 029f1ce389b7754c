"""What `make restore` says of the evidence of what a name is put back on."""

from pathlib import Path

import pytest

from fleet.evidence.keys import PublicKey
from fleet.registry.client import Client
from fleet.upkeep.restored_evidence import describe
from fleet.upkeep.state import Removed
from fleet.upkeep.trusted import Trusted
from tests.fleet.evidence.examples import P256, key
from tests.fleet.upkeep.conftest import removed
from tests.providers.ociregistry.caller import Caller
from tests.providers.ociregistry.declared import NAME, OWNER, Declared
from tests.providers.ociregistry.engine_fake import TAG, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry

OURS = (key().public,)


@pytest.fixture
def call(registry: FakeRegistry, tmp_path: Path) -> Caller:
    environment = {"FLEET_PLAIN_HTTP": registry.host, "DOCKER_CONFIG": str(tmp_path)}
    return Caller(registry, environment)


@pytest.fixture
def entry(registry: FakeRegistry, call: Caller) -> Removed:
    """A pointer that named an index with evidence."""
    declared = Declared(registry)
    version = declared.version("py3.8-0.34.0")
    with Engine({**call.environment, "FLEET_SIGNING_KEY": P256}) as engine:
        digest = engine.up(TAG, "tag", declared.evidence(version)).outputs["digest"]
    declared.tags["py3.8-LATEST"] = digest
    return removed(call.repository, "py3.8-LATEST", digest)


def said(
    call: Caller, entry: Removed, *keys: PublicKey, owner: str = OWNER, named: bool = False
) -> str:
    async def run(client: Client) -> str:
        return await describe(client, entry, owner, Trusted(keys=keys), named=named)

    return call(run)


def test_evidence_that_is_there_is_checked(
    call: Caller, registry: FakeRegistry, entry: Removed
) -> None:
    registry.log.clear()
    assert said(call, entry, *OURS) == (
        f"Its evidence is there and valid, 5/5, signed by {key().public.hint}."
    )
    assert registry.writes == []


def test_an_index_without_any_is_said_to_have_none(call: Caller, registry: FakeRegistry) -> None:
    """As after an adoption of what others built."""
    digest = registry.push_index(NAME, "py3.7-LATEST")
    text = said(call, removed(call.repository, "py3.7-LATEST", digest), *OURS)
    assert text.startswith("Of its evidence: none.\n  no valid evidence: provenance")
    assert "Nothing signs it now" in text


@pytest.mark.parametrize(
    ("named", "remedy"), [(True, "make up signs what is missing"), (False, "Nothing signs it now")]
)
def test_a_lost_statement_is_named_with_what_brings_it_back(
    call: Caller, registry: FakeRegistry, entry: Removed, named: bool, remedy: str
) -> None:
    storage = registry.repositories[NAME]
    blobs = [d for d, body in storage.blobs.items() if b"publicKey" in body]
    del storage.blobs[blobs[0]]
    text = said(call, entry, *OURS, named=named)
    assert text.startswith("Of its evidence: only 4/5 of it is valid.")
    assert remedy in text


def test_a_registry_that_fails_is_described(
    call: Caller, registry: FakeRegistry, entry: Removed
) -> None:
    registry.fault("GET .*sha256-", times=99, status=500)
    assert said(call, entry, *OURS).startswith("Its evidence could not be read: ")


def test_without_a_key_nothing_is_looked_for(
    call: Caller, registry: FakeRegistry, entry: Removed
) -> None:
    registry.log.clear()
    assert "the stack has no signer" in said(call, entry)
    assert registry.log == []
