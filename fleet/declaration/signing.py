"""The public keys that the evidence of a fleet is signed by: no private one is ever declared."""

from typing import Final

from fleet.declaration.config_reader import Fault, Pattern, Reader

# The DER of a SubjectPublicKeyInfo begins alike for all keys of a kind (RFC 5480 for P-256 with an
# uncompressed point, RFC 8410 for Ed25519); lines of PEM have 64 characters (RFC 7468).
_P256 = r"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE[A-Za-z0-9+/]{28}\n[A-Za-z0-9+/]{58}=="
_ED25519 = "MCowBQYDK2VwAyEA[A-Za-z0-9+/]{43}="
PUBLIC_KEY: Final = Pattern(
    rf"-----BEGIN PUBLIC KEY-----\n(?:{_P256}|{_ED25519})\n-----END PUBLIC KEY-----\n?",
    "is not a public key on P-256 or of Ed25519 in PEM (it is not shown, for it may be a secret)",
    "Write what `openssl pkey -pubout` prints of the key. If the private key stood here, make a "
    "new one",
)
_TWO = 2


def parse_signing(reader: Reader) -> tuple[str, ...]:
    """Return the public keys that ``reader`` declares, the one to sign with first.

    Each is its SubjectPublicKeyInfo (RFC 5280) in base64. There is none where none is declared.
    """
    if "signing" not in reader.values:
        return ()
    inner = reader.inner("signing")
    inner.only(("keys",))
    texts = inner.texts("keys", _rule)
    if len(texts) > _TWO:
        inner.note("keys", f"has {len(texts)} keys", "Write the new one and the old one at most")
    return tuple(public_key(text) for text in texts)


def public_key(pem: str) -> str:
    """Return the SubjectPublicKeyInfo (base64) of a public key in PEM, empty if it is none."""
    return "" if PUBLIC_KEY(pem) else "".join(pem.strip().splitlines()[1:-1])


def _rule(text: str) -> Fault | None:
    return Fault(PUBLIC_KEY.what, PUBLIC_KEY.remedy) if PUBLIC_KEY(text) else None
