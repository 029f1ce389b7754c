"""What the tests of evidence state of a version tag, and what is then in a registry."""

import json
from typing import Any

from fleet.evidence.bundle import Signed, verify
from fleet.evidence.keys import PublicKey
from providers.ociregistry.evidence.model import fingerprint
from tests.fleet.evidence.examples import key
from tests.providers.ociregistry.declared import NAME
from tests.providers.ociregistry.registry_fake import FakeRegistry

SIGNING = "FLEET_SIGNING_KEY"
REF = "py3.13-slim-0.34.0"
STATEMENTS = 5
"""A provenance, a result, and a bill of materials of each of three platforms."""


def stating(inputs: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Inputs that state something else."""
    return {**inputs, "evidence": {**inputs["evidence"], **fields}}


def digest_in(inputs: dict[str, Any]) -> str:
    return str(inputs["source"]).partition("@")[2]


def holder(registry: FakeRegistry, outputs: dict[str, Any], kind: str) -> str:
    """The digest of the referrer that holds a statement."""
    mark = outputs["signed"]["statements"][kind]
    (found,) = (d for d in registry.repositories[NAME].manifests if fingerprint(d) == mark)
    return found


def fallback(digest: str) -> str:
    return digest.replace(":", "-")


def referrers(registry: FakeRegistry, digest: str) -> dict[str, dict[str, Any]]:
    """Return what refers to a digest by the list that the registry or its clients keep."""
    storage = registry.repositories[NAME]
    if registry.lists_referrers:
        found = {d: json.loads(body) for d, (_, body) in storage.manifests.items()}
        return {d: m for d, m in found.items() if m.get("subject", {}).get("digest") == digest}
    listed = storage.tags.get(fallback(digest))
    if listed is None:
        return {}
    entries = json.loads(storage.manifests[listed][1])["manifests"]
    return {e["digest"]: json.loads(storage.manifests[e["digest"]][1]) for e in entries}


def signed(registry: FakeRegistry, digest: str, *keys: PublicKey) -> dict[str, Signed]:
    """The verified statements of a digest, by their types."""
    blobs = registry.repositories[NAME].blobs
    manifests = referrers(registry, digest).values()
    bundles = (blobs[m["layers"][0]["digest"]] for m in manifests)
    found = [verify(bundle, keys or [key().public]) for bundle in bundles]
    return {each.statement.predicate_type: each for each in found}
