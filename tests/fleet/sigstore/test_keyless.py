"""Keyless signatures, against stand-ins that answer by what the services document."""

import asyncio
import json
from pathlib import Path

import pytest

from fleet.evidence.bundle import verify
from fleet.evidence.errors import EvidenceError
from fleet.evidence.identity import Identity
from fleet.evidence.statement import TEST_RESULT, Statement
from fleet.http.retry import RetryPolicy
from fleet.sigstore.keyless import KeylessSigner, Services
from tests.fleet.evidence.examples import BUILDER, DIGEST, statement
from tests.fleet.sigstore.services_fake import ENVIRONMENT, IDENTITY, ISSUER, FakeSigstore

WHO = Identity(name=IDENTITY, issuer=ISSUER)
RESULT = Statement(subjects={"x": DIGEST}, predicate_type=TEST_RESULT, predicate={"result": "x"})


def signed(
    fake: FakeSigstore, *statements: Statement, public_log: bool = False, who: Identity = WHO
) -> list[bytes]:
    async def run() -> list[bytes]:
        services = Services(opened=fake.open, retry=RetryPolicy(attempts=1))
        signer = KeylessSigner(who, ENVIRONMENT, BUILDER, public_log=public_log, services=services)
        try:
            return [*await asyncio.gather(*map(signer.sign, statements or (statement(),)))]
        finally:
            await signer.close()

    return asyncio.run(run())


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_a_bundle_names_the_workflow_and_is_stored_with_github(
    tmp_path: Path, visibility: str
) -> None:
    fake = FakeSigstore(tmp_path, visibility)
    (bundle,) = signed(fake)
    found = verify(bundle, [WHO], fake.authorities)
    assert found.signer == WHO
    assert found.statement.claim == statement().claim
    assert found.statement.predicate["runDetails"] == {
        "builder": {"id": BUILDER},
        "metadata": {"invocationId": "https://github.com/acme/fleet/actions/runs/7/attempts/1"},
    }
    assert fake.attestations == [json.loads(bundle)]


def test_several_statements_take_one_certificate_and_only_a_provenance_is_stored(
    tmp_path: Path,
) -> None:
    fake = FakeSigstore(tmp_path)
    assert len(signed(fake, statement(), RESULT, RESULT)) == 3
    assert sum("fulcio" in place for place in fake.requests) == 1
    assert len(fake.attestations) == 1


@pytest.mark.parametrize("visibility", ["private", "internal", ""])
def test_what_a_private_repository_signs_goes_to_no_public_log(
    tmp_path: Path, visibility: str
) -> None:
    fake = FakeSigstore(tmp_path, visibility)
    signed(fake)
    hosts = {place.split()[1].partition("/")[0] for place in fake.requests}
    assert hosts == {
        "pipelines.test", "fulcio.githubapp.com", "timestamp.githubapp.com", "api.github.com",
    }  # fmt: skip


def test_it_does_where_that_is_declared(tmp_path: Path) -> None:
    fake = FakeSigstore(tmp_path, "private")
    signed(fake, public_log=True)
    assert any("rekor.sigstore.dev" in place for place in fake.requests)
    assert not any("githubapp" in place for place in fake.requests)


def test_another_identity_than_the_declared_one_signs_nothing(tmp_path: Path) -> None:
    fake = FakeSigstore(tmp_path, identity=IDENTITY.replace("main", "other"))
    with pytest.raises(EvidenceError, match=r"this job signs as .*heads/other.*; expected"):
        signed(fake)
    assert not any("rekor" in place or "attestations" in place for place in fake.requests)


@pytest.mark.parametrize("service", ["token", "fulcio", "rekor", "attestations"])
def test_a_service_that_refuses_is_named_with_its_reason(tmp_path: Path, service: str) -> None:
    fake = FakeSigstore(tmp_path)
    fake.refuses = service
    with pytest.raises(EvidenceError, match=f"{service}.*: refused, 403 \\(not here\\)"):
        signed(fake)


@pytest.mark.parametrize(
    "who", [Identity(name=IDENTITY, issuer="https://else.test"), Identity(name="x", issuer=ISSUER)]
)
def test_a_bundle_of_somebody_else_is_refused(tmp_path: Path, who: Identity) -> None:
    fake = FakeSigstore(tmp_path)
    (bundle,) = signed(fake)
    with pytest.raises(EvidenceError, match="; expected"):
        verify(bundle, [who], fake.authorities)


def test_a_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    (bundle,) = signed(FakeSigstore(tmp_path))
    with pytest.raises(EvidenceError, match="by an unknown authority"):
        verify(bundle, [WHO], FakeSigstore(tmp_path).authorities)


def test_a_payload_that_was_altered_is_refused(tmp_path: Path) -> None:
    fake = FakeSigstore(tmp_path)
    one, other = (json.loads(b) for b in signed(fake, statement(), RESULT))
    one["dsseEnvelope"]["payload"] = other["dsseEnvelope"]["payload"]
    with pytest.raises(EvidenceError, match="signed by none of the declared signers"):
        verify(json.dumps(one).encode(), [WHO], fake.authorities)
