import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import serialization

from fleet.evidence.errors import EvidenceError
from fleet.evidence.keys import PublicKey, SigningKey, new_key
from tests.fleet.evidence.examples import ED25519, P256, P384, key


@pytest.mark.parametrize("pem", [P256, ED25519])
def test_a_public_key_is_written_as_others_read_it(pem: str) -> None:
    public = key(pem).public
    read = serialization.load_pem_public_key(public.pem.encode())
    der = read.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert base64.b64decode(public.spki) == der
    assert public.hint == base64.b64encode(hashlib.sha256(der).digest()).decode()


@pytest.mark.parametrize("pem", ["", "secret", P384, key().public.pem])
def test_what_is_no_key_to_sign_with_is_refused_and_not_shown(pem: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        SigningKey.parse(pem, "FLEET_SIGNING_KEY")
    assert str(caught.value).startswith("FLEET_SIGNING_KEY is not a private key to sign with")
    assert not pem or pem not in str(caught.value)


def test_a_public_key_of_another_kind_is_refused() -> None:
    with pytest.raises(EvidenceError, match="neither a P-256 nor an Ed25519"):
        PublicKey(spki=base64.b64encode(b"x").decode()).verifies(b"", b"")


def test_each_new_key_is_another() -> None:
    assert SigningKey.parse(new_key(), "").public != SigningKey.parse(new_key(), "").public
