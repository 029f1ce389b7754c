"""Sigstore bundles (v0.3) of a DSSE envelope, signed by a key of one's own or by an identity; pure.

A bundle by a key has neither a certificate nor an entry in a public log: who checks it knows the
key. One by an identity has its certificate, and what tells when it was signed.
"""

import base64
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fleet.evidence.errors import EvidenceError
from fleet.evidence.identity import Identity, certified_key
from fleet.evidence.keys import PublicKey, SigningKey
from fleet.evidence.statement import Statement, statement_of
from fleet.http.document import MalformedError, parse_json

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
"""The media type of a bundle, and the type of the artifact that holds one."""

_PAYLOAD_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A statement whose signature was checked, and who made it."""

    statement: Statement
    signer: PublicKey | Identity


def sign(statement: Statement, key: SigningKey, builder: str) -> bytes:
    """Return the bundle of `statement`: equal statements and keys give equal bytes.

    `builder` is the URI of who makes a provenance.
    """
    payload = statement.payload(builder)
    material = {"publicKey": {"hint": key.public.hint}}
    return bundle_of(payload, key.sign(encoded(payload)), material)


def bundle_of(payload: bytes, signature: bytes, material: Mapping[str, Any]) -> bytes:
    """Return the bundle of a signed payload; `material` is what a verifier needs beside it."""
    document = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": material,
        "dsseEnvelope": envelope(payload, signature),
    }
    return json.dumps(document, separators=(",", ":")).encode()


def envelope(payload: bytes, signature: bytes) -> dict[str, Any]:
    """Return the DSSE envelope of a signed payload."""
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": _PAYLOAD_TYPE,
        "signatures": [{"sig": base64.b64encode(signature).decode()}],
    }


def verify(
    bundle: bytes,
    signers: Collection[PublicKey | Identity],
    authorities: Iterable[bytes] = (),
) -> Signed:
    """Return the statement in `bundle`, signed by one of `signers`.

    `authorities` are the certificates (DER) of those that certify identities.

    :raises EvidenceError: if it is malformed, or signed by none of them.
    """
    try:
        document = parse_json(bundle, "the bundle")
        material = document["verificationMaterial"]
        found = document["dsseEnvelope"]
        payload = base64.b64decode(found["payload"], validate=True)
        signatures = [base64.b64decode(s["sig"], validate=True) for s in found["signatures"]]
        intoto = found["payloadType"] == _PAYLOAD_TYPE
        keys = list(_keys(material, signers, tuple(authorities)))
    except (MalformedError, KeyError, TypeError, ValueError) as error:
        raise EvidenceError("the bundle is not one of a signed DSSE envelope") from error
    if not intoto:
        raise EvidenceError(f"the bundle holds no {_PAYLOAD_TYPE}")
    message = encoded(payload)
    for signer, key in keys:
        if any(key.verifies(signature, message) for signature in signatures):
            return Signed(statement=statement_of(payload), signer=signer)
    raise EvidenceError("the bundle is signed by none of the declared signers")


def encoded(payload: bytes) -> bytes:
    """Return what is signed: DSSE's pre-authentication encoding of `payload` (DSSE v1)."""
    kind = _PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _keys(
    material: Mapping[str, Any],
    signers: Collection[PublicKey | Identity],
    authorities: tuple[bytes, ...],
) -> Iterator[tuple[PublicKey | Identity, PublicKey]]:
    """Yield each signer that the bundle may be of, with the key of its signature."""
    if "certificate" in material:
        der = base64.b64decode(material["certificate"]["rawBytes"], validate=True)
        for signer in signers:
            if isinstance(signer, Identity):
                yield signer, certified_key(der, signer, authorities)
        return
    hint = material["publicKey"]["hint"]
    for signer in signers:
        if isinstance(signer, PublicKey) and signer.hint == hint:
            yield signer, signer
