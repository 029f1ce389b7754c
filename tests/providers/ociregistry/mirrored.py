"""A repository with signed version tags and a pointer, and what is declared of a mirror of it."""

import json
from typing import Any

from fleet.evidence.bundle import verify
from tests.fleet.evidence.examples import P256, key
from tests.providers.ociregistry.declared import NAME, OWNER, Declared
from tests.providers.ociregistry.engine_fake import MIRROR, STALE, TAG, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry, Storage
from tests.registries.front import Front

OLD, NEW = "py3.13-slim-0.33.0", "py3.13-slim-0.34.0"
LATEST, LINE = "py3.13-slim-LATEST", "py3.13-slim-0.34"
THERE = "org/app"
STATEMENTS = 5
"""A provenance, a result, and a bill of materials of each of three platforms."""
GRAMMAR = [
    {"kind": "LATEST", "pattern": ".*-LATEST"},
    {"kind": "X.Y", "pattern": r".*-[0-9]+\.[0-9]+"},
]


class Fleet:
    """The source, up by `engine`, and the registry `other` of its mirror."""

    def __init__(self, engine: Engine, source: FakeRegistry, other: FakeRegistry | Front) -> None:
        self.engine, self.source, self.other = engine, source, other
        self.declared = Declared(source)
        self.stated: dict[str, str] = {}
        self.digests = {tag: self.publish(tag) for tag in (OLD, NEW)}
        self.pointers = {LATEST: NEW, LINE: NEW}
        self.point()

    @property
    def place(self) -> str:
        return f"{self.other.host}/{THERE}"

    @property
    def memory(self) -> FakeRegistry:
        """The mirror's registry, which is one in memory."""
        assert isinstance(self.other, FakeRegistry)
        return self.other

    @property
    def there(self) -> Storage:
        return self.memory.repositories[THERE]

    @property
    def names(self) -> dict[str, str]:
        """The tags at the mirror, without lists of referrers."""
        return {t: d for t, d in self.there.tags.items() if not t.startswith("sha256-")}

    @property
    def wanted(self) -> dict[str, str]:
        return {**self.digests, **{name: self.digests[to] for name, to in self.pointers.items()}}

    def publish(self, tag: str, text: str = "") -> str:
        """Sign and name a version tag at the source; return its digest."""
        version = self.declared.version(tag, text or tag)
        self.sign(version)
        return str(version["source"]).partition("@")[2]

    def sign(self, version: dict[str, Any], *keys: str) -> None:
        """Have a version tag at the source, signed by private `keys` in PEM."""
        ref = version["ref"]
        self.engine.up(TAG, ref, self.declared.evidence(version, *keys))
        statements = self.engine.resources[ref].outputs["signed"]["statements"]
        self.stated[ref.rpartition(":")[2]] = " ".join(sorted(statements.values()))

    def point(self) -> None:
        for name, to in self.pointers.items():
            pointer = self.declared.pointer(name, self.digests[to])
            self.engine.up(TAG, str(pointer["ref"]), pointer)

    def inputs(self, **overrides: Any) -> dict[str, Any]:
        fields = {
            "repository": self.place,
            "source": self.declared.place,
            "owner": OWNER,
            "tags": self.wanted,
            "pointers": sorted(self.pointers),
            "evidence": dict(self.stated),
        }
        return {**fields, **overrides}

    def stale(self, **overrides: Any) -> dict[str, Any]:
        fields = {
            "repository": self.place,
            "source": self.declared.place,
            "owner": OWNER,
            "pointers": sorted(self.pointers),
            "grammar": GRAMMAR,
            "policy": {"LATEST": "remove", "X.Y": "remove"},
            "maxRemovals": 1.0,
            "digests": self.wanted,
        }
        return {**fields, **overrides}

    def own_stale(self) -> dict[str, Any]:
        """Return what is declared of the source's own remover."""
        return self.stale(repository=self.declared.place, source="")

    def up(self, **overrides: Any) -> Any:
        """Copy, then remove what is stale there."""
        step = self.engine.up(MIRROR, self.place, self.inputs(**overrides))
        self.engine.up(STALE, f"{self.place} names", self.stale())
        return step

    def build_tags(self) -> dict[str, str]:
        """The tags of the source's build repository, where undo records lie."""
        return self.source.repositories[f"{NAME}/build"].tags


def refers(body: bytes, digest: str) -> bool:
    """Tell whether a manifest refers to a digest."""
    return bool(json.loads(body).get("subject", {}).get("digest") == digest)


def signed(fleet: Fleet, digest: str, *pems: str) -> int:
    """Return how many statements of a digest verify at the mirror by the keys."""
    keys, count = [key(pem).public for pem in pems or (P256,)], 0
    for manifest in _attached(fleet, digest):
        bundle = fleet.there.blobs[manifest["layers"][0]["digest"]]
        count += digest in verify(bundle, keys).statement.subjects.values()
    return count


def _attached(fleet: Fleet, digest: str) -> list[dict[str, Any]]:
    """Return what refers to a digest at the mirror, by the list of registry or clients."""
    held = fleet.there.manifests
    if fleet.memory.lists_referrers:
        found = (json.loads(body) for _, body in held.values())
        return [m for m in found if m.get("subject", {}).get("digest") == digest]
    listed = fleet.there.tags.get(digest.replace(":", "-"))
    entries = json.loads(held[listed][1])["manifests"] if listed else []
    manifests = (held.get(entry["digest"]) for entry in entries)
    return [json.loads(found[1]) for found in manifests if found]
