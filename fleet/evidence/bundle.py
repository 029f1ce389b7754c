"""Sigstore bundles (v0.3) of a DSSE envelope, signed by a key of one's own; pure.

Such a bundle has neither a certificate nor an entry in a public log: who checks it knows the key.
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fleet.evidence.errors import EvidenceError
from fleet.evidence.keys import PublicKey, SigningKey
from fleet.evidence.statement import Statement, statement_of
from fleet.http.document import MalformedError, parse_json

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
"""The media type of a bundle, and the type of the artifact that holds one."""

_PAYLOAD_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A statement whose signature was checked, and the key that made it."""

    statement: Statement
    key: PublicKey


def sign(statement: Statement, key: SigningKey, builder: str) -> bytes:
    """Return the bundle of `statement`: equal statements and keys give equal bytes.

    `builder` is the URI of who makes a provenance.
    """
    payload = statement.payload(builder)
    document = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": key.public.hint}},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": _PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(key.sign(_encoded(payload))).decode()}],
        },
    }
    return json.dumps(document, separators=(",", ":")).encode()


def verify(bundle: bytes, keys: Iterable[PublicKey]) -> Signed:
    """Return the statement in `bundle`, signed by one of `keys`.

    :raises EvidenceError: if it is malformed, or signed by none of them.
    """
    try:
        document = parse_json(bundle, "the bundle")
        hint = document["verificationMaterial"]["publicKey"]["hint"]
        envelope = document["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [base64.b64decode(s["sig"], validate=True) for s in envelope["signatures"]]
        intoto = envelope["payloadType"] == _PAYLOAD_TYPE
    except (MalformedError, KeyError, TypeError, ValueError) as error:
        raise EvidenceError("the bundle is not one of a DSSE envelope signed by a key") from error
    if not intoto:
        raise EvidenceError(f"the bundle holds no {_PAYLOAD_TYPE}")
    message = _encoded(payload)
    for key in (each for each in keys if each.hint == hint):
        if any(key.verifies(signature, message) for signature in signatures):
            return Signed(statement=statement_of(payload), key=key)
    raise EvidenceError("the bundle is signed by none of the declared keys")


def _encoded(payload: bytes) -> bytes:
    """Return what is signed: DSSE's pre-authentication encoding of `payload` (DSSE v1)."""
    kind = _PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
