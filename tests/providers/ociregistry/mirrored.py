"""A repository with signed version tags and a pointer, and what is declared of a mirror of it."""

from typing import Any

from tests.providers.ociregistry.declared import NAME, OWNER, Declared
from tests.providers.ociregistry.engine_fake import MIRROR, STALE, TAG, Engine
from tests.providers.ociregistry.registry_fake import FakeRegistry, Storage
from tests.registries.front import Front

OLD, NEW = "py3.13-slim-0.33.0", "py3.13-slim-0.34.0"
LATEST, LINE = "py3.13-slim-LATEST", "py3.13-slim-0.34"
THERE = "org/app"
GRAMMAR = [
    {"kind": "LATEST", "pattern": ".*-LATEST"},
    {"kind": "X.Y", "pattern": r".*-[0-9]+\.[0-9]+"},
]


class Fleet:
    """The source, up by `engine`, and the registry `other` of its mirror."""

    def __init__(self, engine: Engine, source: FakeRegistry, other: FakeRegistry | Front) -> None:
        self.engine, self.source, self.other = engine, source, other
        self.declared = Declared(source)
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
        self.engine.up(TAG, version["ref"], self.declared.evidence(version))
        return str(version["source"]).partition("@")[2]

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
            "evidence": {tag: digest[-16:] for tag, digest in self.digests.items()},
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
        """What is declared of the source's own remover."""
        return self.stale(repository=self.declared.place, source="")

    def up(self, **overrides: Any) -> Any:
        """Copy, then remove what is stale there."""
        step = self.engine.up(MIRROR, self.place, self.inputs(**overrides))
        self.engine.up(STALE, f"{self.place} names", self.stale())
        return step

    def build_tags(self) -> dict[str, str]:
        """The tags of the source's build repository, where undo records lie."""
        return self.source.repositories[f"{NAME}/build"].tags
