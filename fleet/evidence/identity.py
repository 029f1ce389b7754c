"""Identities: who signed without a key of their own, as a certificate says.

Fulcio writes such a certificate for a token of an OpenID Connect issuer. It holds a key that is
used for minutes and then forgotten (https://docs.sigstore.dev/certificate_authority/oid-info/).
`cryptography` is imported where it is needed: most runs sign and check nothing.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fleet.evidence.errors import EvidenceError
from fleet.evidence.keys import PublicKey

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_ISSUER: Final = "1.3.6.1.4.1.57264.1.8"  # Fulcio's "Issuer (V2)": a UTF8String in DER
_UTF8 = 0x0C
_ONE_BYTE_LENGTH = 0x80  # DER (X.690): a longer length has several bytes, and no issuer needs one


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A signer without a key: `name` is the certificate's URI or address, by `issuer`'s token."""

    name: str
    issuer: str

    @property
    def hint(self) -> str:
        """The name of the signer in a referrer and a report."""
        return self.name


def certified_key(der: bytes, identity: Identity, authorities: Iterable[bytes]) -> PublicKey:
    """Return the key in a certificate of `identity` that one of `authorities` issued.

    Certificates are DER. Whether the log has an entry is not asked here, and neither is the time
    of the signature: the authorities and the names are all that counts.

    :raises EvidenceError: if it is malformed, somebody else's, or by another authority.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    certificate = _certificate(der)
    found = names_in(certificate)
    if found != identity:
        raise EvidenceError(
            f"the certificate is for {found.name or 'no name'} by {found.issuer or 'no issuer'}; "
            f"expected {identity.name} by {identity.issuer}"
        )
    if not any(_issued(certificate, _certificate(authority)) for authority in authorities):
        raise EvidenceError(
            "the certificate is by an unknown authority.\nIf it is GitHub's own, write the output "
            "of `gh attestation trusted-root` to a file, and name that in FLEET_TRUSTED_ROOT"
        )
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return PublicKey(spki=base64.b64encode(spki).decode())


def names_in(certificate: "Certificate") -> Identity:
    """Return whom a certificate names, with empty names for what it has not, or has twice."""
    from cryptography import x509  # noqa: PLC0415

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        extension = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(_ISSUER))
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return Identity(name="", issuer="")
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    found = [*uris, *names.get_values_for_type(x509.RFC822Name)]
    raw = extension.value.public_bytes()
    is_text = len(raw) > 1 and raw[0] == _UTF8 and raw[1] == len(raw) - 2 < _ONE_BYTE_LENGTH
    issuer = raw[2:].decode(errors="replace") if is_text else ""
    return Identity(name=found[0] if len(found) == 1 else "", issuer=issuer)


def _certificate(der: bytes) -> "Certificate":
    from cryptography import x509  # noqa: PLC0415

    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise EvidenceError("the certificate is malformed") from error


def _issued(certificate: "Certificate", authority: "Certificate") -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

    begun = certificate.not_valid_before_utc
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return authority.not_valid_before_utc <= begun <= authority.not_valid_after_utc
