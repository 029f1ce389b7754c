"""What the tests of Tag declare."""

import json
from typing import Any

from fleet.evidence.keys import SigningKey
from fleet.registry.manifest import OWNER_ANNOTATION
from tests.fleet.evidence.examples import P256
from tests.providers.ociregistry.registry_fake import FakeRegistry

NAME, BUILD = "team/app", "team/app/build"
PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7")
OWNER = "fleet/dev"


class Declared:
    """Inputs of a version tag and of a pointer on it."""

    def __init__(self, registry: FakeRegistry) -> None:
        self.registry = registry
        self.place = f"{registry.host}/{NAME}"
        self.unknown = f"{registry.host}/{BUILD}@"

    def built(self, text: str, *platforms: str, **more: str) -> str:
        """Push an index as a build does; return its reference. `more` are further entries."""
        children = {p: self.registry.push_image(BUILD, p, text) for p in platforms or PLATFORMS}
        annotations = {OWNER_ANNOTATION: OWNER}
        digest = self.registry.push_children(BUILD, {**children, **more}, annotations)
        return f"{self.unknown}{digest}"

    def version(self, tag: str, text: str = "", **overrides: Any) -> dict[str, Any]:
        """Inputs of a version tag whose one index was built."""
        inputs = {
            "ref": f"{self.place}:{tag}",
            "owner": OWNER,
            "identity": text or tag,
            "source": self.built(text or tag),
            "platforms": list(PLATFORMS),
        }
        return {**inputs, **overrides}

    def joined(self, tag: str, text: str = "", **overrides: Any) -> dict[str, Any]:
        """Inputs of a version tag of which two builders made a part each."""
        inputs = self.version(tag, text, **overrides)
        del inputs["source"]
        parts = [self.built(text or tag, *PLATFORMS[:2]), self.built(text or tag, PLATFORMS[2])]
        return {**inputs, "sources": parts, **overrides}

    def evidence(self, version: dict[str, Any], *keys: str, **overrides: Any) -> dict[str, Any]:
        """Inputs of a version tag with evidence; `keys` are private ones in PEM."""
        spkis = [SigningKey.parse(pem, "").public.spki for pem in keys or (P256,)]
        provenance = json.dumps({"buildDefinition": {"tag": version["ref"]}})
        tests = json.dumps({"result": "PASSED"})
        evidence = {"keys": spkis, "provenance": provenance, "tests": tests, **overrides}
        return {**version, "evidence": evidence}

    def pointer(self, tag: str, digest: str, **overrides: Any) -> dict[str, Any]:
        inputs = {
            "ref": f"{self.place}:{tag}",
            "owner": OWNER,
            "source": f"{self.place}@{digest}",
        }
        return {**inputs, **overrides}

    @property
    def tags(self) -> dict[str, str]:
        return self.registry.repositories[NAME].tags
