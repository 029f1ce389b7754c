"""The public keys that the evidence of a fleet is signed by: no private one is ever declared."""

from fleet.declaration.schema import matches


def public_key(pem: str) -> str:
    """Return the SubjectPublicKeyInfo (base64, RFC 5280) of a public key in PEM, empty if none.

    The DER of one begins alike for all keys of a kind (RFC 5480 for P-256 with an uncompressed
    point, RFC 8410 for Ed25519); lines of PEM have 64 characters (RFC 7468).
    """
    return "".join(pem.strip().splitlines()[1:-1]) if matches(pem, "public-key") else ""
