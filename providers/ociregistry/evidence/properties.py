"""The property `evidence` of a tag, turned into the model, and its texts into fingerprints."""

from collections.abc import Mapping
from typing import Any, Final

from pulumi.runtime.rpc import UNKNOWN

from fleet.evidence.identity import Identity
from fleet.evidence.keys import PublicKey
from fleet.registry.manifest import digest_of
from providers.ociregistry.evidence.model import EvidenceInputs, fingerprint
from providers.ociregistry.sdk import Evidence

_TEXTS: Final = ("provenance", "tests")


def shortened_texts(evidence: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return `evidence` with a fingerprint in the place of each text, and the texts by these."""
    short, texts = dict(evidence), dict[str, str]()
    for name in _TEXTS:
        text = evidence.get(name)
        if isinstance(text, str) and text != UNKNOWN:
            short[name] = fingerprint(digest_of(text.encode()))
            texts[short[name]] = text
    return short, texts


def evidence_inputs(declared: Evidence) -> EvidenceInputs:
    """Read what is declared, in which texts are fingerprints."""
    texts = {name: str(getattr(declared, name)) for name in _TEXTS}
    identity = declared.keyless.get("identity", "")
    issuer = declared.keyless.get("issuer", "")
    return EvidenceInputs(
        keys=tuple(PublicKey(spki=key) for key in declared.keys),
        identity=Identity(name=identity, issuer=issuer) if identity else None,
        public_log=declared.keyless.get("transparency") == "public",
        **{name: None if text == UNKNOWN else text for name, text in texts.items()},
    )
