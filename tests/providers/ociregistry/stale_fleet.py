"""A repository with pointers that nothing declares, for the tests of StalePointers."""

from typing import Any

from fleet.registry.manifest import OWNER_ANNOTATION
from tests.providers.ociregistry.registry_fake import FakeRegistry

NAME = "team/app"
OURS = {OWNER_ANNOTATION: "fleet/dev"}
GRAMMAR = [
    {"kind": "LATEST", "pattern": r"py[0-9.]+(-[a-z]+)?-LATEST"},
    {"kind": "X.Y", "pattern": r"py[0-9.]+(-[a-z]+)?-[0-9]+\.[0-9]+"},
]


class Fleet:
    """A repository filled by the old way, and what is declared for it now."""

    def __init__(self, registry: FakeRegistry) -> None:
        self.registry = registry
        self.storage = registry.repositories[NAME]
        digest = registry.push_index(NAME, "py3.8-0.30.0")
        for tag in ("py3.8-LATEST", "py3.8-0.30", "edge", "sha256-" + "a" * 64):
            self.storage.tags[tag] = digest
        self.old = digest
        for python in ("py3.11", "py3.12"):
            current = registry.push_index(NAME, f"{python}-0.34.0", OURS)
            self.storage.tags[f"{python}-LATEST"] = current
            self.storage.tags[f"{python}-0.34"] = current
        self.pointers = sorted(f"py3.1{x}-{y}" for x in "12" for y in ("LATEST", "0.34"))

    def inputs(self, **overrides: Any) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "repository": f"{self.registry.host}/{NAME}",
            "owner": "fleet/dev",
            "pointers": self.pointers,
            "grammar": GRAMMAR,
            "policy": {"LATEST": "remove", "X.Y": "keep"},
            "maxRemovals": 0.5,
        }
        return {**fields, **overrides}

    @property
    def tags(self) -> set[str]:
        return set(self.storage.tags)

    def all_pull(self) -> bool:
        return all(self.registry.pullable(NAME, tag) for tag in self.tags)
