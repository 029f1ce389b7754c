"""Keys: ECDSA on P-256 with SHA-256, and Ed25519.

`cryptography` is imported where it is needed: most runs sign and check nothing.
"""

import base64
import hashlib
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.evidence.errors import EvidenceError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_LINE = 64  # RFC 7468, section 2
_REMEDY = (
    "give a private key without a passphrase as PKCS #8 in PEM, of the kind P-256 "
    "(`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`) or Ed25519"
)


@dataclass(frozen=True, kw_only=True)
class PublicKey:
    """A public key; `spki` is its SubjectPublicKeyInfo (RFC 5280, section 4.1) in base64."""

    spki: str

    @property
    def hint(self) -> str:
        """The name of the key in a bundle: the SHA-256 of its DER in base64, as cosign has it."""
        return _base64(hashlib.sha256(base64.b64decode(self.spki)).digest())

    @property
    def pem(self) -> str:
        """The key in PEM, as cosign and others take it."""
        lines = "\n".join(textwrap.wrap(self.spki, _LINE))
        return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether `signature` is that of `message` by this key.

        :raises EvidenceError: if this is not a key of a kind that is used here.
        """
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519  # noqa: PLC0415

        try:
            key = serialization.load_der_public_key(base64.b64decode(self.spki))
        except ValueError:
            key = None
        try:
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, message)
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
            else:
                raise EvidenceError(f"{self.spki} is neither a P-256 nor an Ed25519 public key")
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """A private key: the same message gives the same signature, also on P-256 (RFC 6979)."""

    def __init__(self, key: "EllipticCurvePrivateKey | Ed25519PrivateKey") -> None:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

        self._key = key
        der = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.public = PublicKey(spki=_base64(der))
        """The public half."""

    @classmethod
    def parse(cls, pem: str, name: str) -> "SigningKey":
        """Read a private key; `name` is where it is from. No part of it is in an error.

        :raises EvidenceError: if it is not a key of a kind that is used here.
        """
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519  # noqa: PLC0415

        try:
            key = serialization.load_pem_private_key(pem.encode(), password=None)
        except (TypeError, ValueError, UnsupportedAlgorithm):
            key = None
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return cls(key)
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            return cls(key)
        raise EvidenceError(f"{name} is not a private key to sign with; {_REMEDY}")

    def sign(self, message: bytes) -> bytes:
        """Return the signature, on P-256 in DER."""
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return self._key.sign(message)


def new_key() -> str:
    """Return a new private key on P-256, as PKCS #8 in PEM."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
