"""Keys and statements that the tests of evidence share."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from fleet.evidence.keys import SigningKey
from fleet.evidence.statement import PROVENANCE, Statement

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
BUILDER = "https://example.org/builder"


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


P256 = pem(ec.derive_private_key(7, ec.SECP256R1()))
OTHER_P256 = pem(ec.derive_private_key(8, ec.SECP256R1()))
ED25519 = pem(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))
P384 = pem(ec.derive_private_key(7, ec.SECP384R1()))


def key(text: str = P256) -> SigningKey:
    return SigningKey.parse(text, "a test's key")


def statement(**predicate: object) -> Statement:
    return Statement(
        subjects={"registry.test/app": DIGEST},
        predicate_type=PROVENANCE,
        predicate=predicate or {"buildDefinition": {"buildType": "https://example.org/type"}},
    )
