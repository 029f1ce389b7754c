"""The property `evidence` of a tag, turned into the model, and its texts into fingerprints."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from pulumi.runtime.rpc import UNKNOWN

from fleet.evidence.identity import Identity
from fleet.evidence.keys import PublicKey
from fleet.registry.manifest import digest_of
from providers.ociregistry.evidence.model import EvidenceInputs, fingerprint, is_fingerprint
from providers.ociregistry.sdk import Evidence

_TEXTS: Final = ("provenance", "tests")
_NO_PREDICATE: Final = "is not a JSON object; write the predicate of the statement"


def shortened_texts(evidence: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return `evidence` with a fingerprint in the place of each text, and the texts by these.

    What is not a JSON object stays as it is.
    """
    short, texts = dict(evidence), dict[str, str]()
    for name in _TEXTS:
        text = evidence.get(name)
        if isinstance(text, str) and _is_object(text):
            short[name] = fingerprint(digest_of(text.encode()))
            texts[short[name]] = text
    return short, texts


def evidence_inputs(declared: Evidence, problems: dict[str, str]) -> EvidenceInputs:
    """Read what is declared, in which texts are fingerprints.

    `problems` get the property and the reason for each that is wrong.
    """
    texts = {name: str(getattr(declared, name)) for name in _TEXTS}
    found = {
        f"evidence.{name}": _NO_PREDICATE for name, text in texts.items() if not _is_short(text)
    }
    if not all(map(_is_key, declared.keys)):
        found["evidence.keys"] = "write each public key as SubjectPublicKeyInfo in base64"
    identity, issuer = (str(declared.keyless.get(name, "")) for name in ("identity", "issuer"))
    if not (declared.keys or declared.keyless):
        found["evidence.keys"] = "has none; give one, or say in keyless who signs"
    if declared.keyless and not (identity and issuer):
        found["evidence.keyless"] = "write an identity and its issuer, or give keys alone"
    problems.update({**found, **problems})
    return EvidenceInputs(
        keys=tuple(PublicKey(spki=key) for key in declared.keys),
        identity=Identity(name=identity, issuer=issuer) if identity else None,
        public_log=declared.keyless.get("transparency") == "public",
        **{name: None if text == UNKNOWN else text for name, text in texts.items()},
    )


def _is_short(text: str) -> bool:
    return text == UNKNOWN or is_fingerprint(text)


def _is_key(key: Any) -> bool:
    try:
        return isinstance(key, str) and bool(base64.b64decode(key, validate=True))
    except binascii.Error:
        return False


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), Mapping)
    except ValueError:
        return False
