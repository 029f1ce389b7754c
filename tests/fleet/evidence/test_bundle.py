import base64
import json
from typing import Any

import pytest

from fleet.evidence.bundle import sign, verify
from fleet.evidence.errors import EvidenceError
from fleet.evidence.statement import TEST_RESULT, Statement
from tests.fleet.evidence.examples import (
    BUILDER,
    DIGEST,
    ED25519,
    OTHER_P256,
    P256,
    key,
    statement,
)


@pytest.mark.parametrize("pem", [P256, ED25519])
def test_equal_statements_give_equal_bytes_that_verify(pem: str) -> None:
    signed = sign(statement(), key(pem), BUILDER)
    assert signed == sign(statement(), key(pem), BUILDER)
    found = verify(signed, [key(OTHER_P256).public, key(pem).public])
    assert found.signer == key(pem).public
    assert found.statement.claim == statement().claim
    assert found.statement.predicate["runDetails"] == {"builder": {"id": BUILDER}}


def test_who_signs_a_provenance_is_signed_and_no_part_of_the_claim() -> None:
    one, two = (verify(sign(statement(), key(), b), [key().public]) for b in ("a:b", "c:d"))
    assert one.statement != two.statement
    assert one.statement.claim == two.statement.claim


def test_another_predicate_is_signed_as_it_is() -> None:
    result = Statement(
        subjects={"x": DIGEST}, predicate_type=TEST_RESULT, predicate={"runDetails": "kept"}
    )
    found = verify(sign(result, key(), BUILDER), [key().public])
    assert found.statement == result
    assert found.statement.claim == result.claim


def test_a_signature_of_another_key_is_refused() -> None:
    with pytest.raises(EvidenceError, match="signed by none of the declared signers"):
        verify(sign(statement(), key(), BUILDER), [key(OTHER_P256).public])


def test_another_key_under_the_hint_of_a_declared_one_is_refused() -> None:
    forged = json.loads(sign(statement(), key(OTHER_P256), BUILDER))
    forged["verificationMaterial"]["publicKey"]["hint"] = key().public.hint
    with pytest.raises(EvidenceError, match="signed by none of the declared signers"):
        verify(json.dumps(forged).encode(), [key().public])


def test_a_payload_that_was_altered_is_refused() -> None:
    altered = json.loads(sign(statement(), key(), BUILDER))
    payload = statement(buildDefinition="other").payload(BUILDER)
    altered["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    with pytest.raises(EvidenceError, match="signed by none of the declared signers"):
        verify(json.dumps(altered).encode(), [key().public])


@pytest.mark.parametrize(
    "broken",
    [
        [],
        {},
        {"verificationMaterial": {"publicKey": {"hint": "x"}}, "dsseEnvelope": []},
        {"verificationMaterial": {"certificate": {}}, "dsseEnvelope": {}},
    ],
)
def test_what_is_no_bundle_is_refused(broken: Any) -> None:
    with pytest.raises(EvidenceError, match="not one of a signed DSSE envelope"):
        verify(json.dumps(broken).encode(), [key().public])


def test_another_payload_type_is_refused_whoever_signed_it() -> None:
    other = json.loads(sign(statement(), key(), BUILDER))
    other["dsseEnvelope"]["payloadType"] = "text/plain"
    with pytest.raises(EvidenceError, match=r"holds no application/vnd\.in-toto\+json"):
        verify(json.dumps(other).encode(), [key().public])
