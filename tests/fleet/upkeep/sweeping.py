"""`make prune` over a registry in memory, and what the tests put there."""

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from fleet.registry.client import Client
from fleet.registry.reference import Repository
from fleet.upkeep.images import Image
from fleet.upkeep.prune.digests import Distribution
from fleet.upkeep.prune.prune import MAX_SHARE, Found, Pruner, Swept
from fleet.upkeep.state import State
from tests.providers.ociregistry.registry_fake import (
    OCI_INDEX,
    OCI_MANIFEST,
    FakeRegistry,
    http_date,
)

Run = Callable[[Callable[[Client], Coroutine[Any, Any, Any]]], Any]
DIGEST = "sha256:" + "a" * 64
PUBLIC, BUILD = "team/web", "team/web/build"
FIRST, LATER, LAST = "2026-01-01T00:00:00+00:00", "2026-01-30T00:00:00+00:00", "2026-02-01T00:00Z"


def repository(registry: FakeRegistry, name: str = "team/web") -> Repository:
    return Repository(host=registry.host, name=name)


def state(**fields: Any) -> State:
    values: dict[str, Any] = {
        "stack": "dev",
        "digests": frozenset({DIGEST}),
        "roots": {},
        "tags": {},
        "removed": (),
        "removers": (),
        **fields,
    }
    return State(**values)


@dataclass
class Sweeper:
    """`make prune` on a day; `planned` are the tags of the build repository that the plan names.

    `pinned` are the digests that tags are held at, `max_share` is what is allowed by hand, `date`
    what the registry says instead of that day.
    """

    registry: FakeRegistry
    run: Run
    known: State = field(default_factory=state)
    planned: frozenset[str] = frozenset({"a"})
    pinned: frozenset[str] = frozenset()
    max_share: float = MAX_SHARE
    owner: str = "fleet/dev"
    date: str | None = None

    def look(self, now: str = FIRST, days: int = 30) -> Found:
        found = self._do(now, days, None)[0]
        assert isinstance(found, Found)
        return found

    def sweep(
        self, now: str = FIRST, days: int = 30, meanwhile: Callable[[], object] = str
    ) -> Swept:
        """Look, let `meanwhile` happen, and apply."""
        swept = self._do(now, days, meanwhile)[1]
        assert isinstance(swept, Swept)
        return swept

    def _do(
        self, now: str, days: int, meanwhile: Callable[[], object] | None
    ) -> tuple[Found, Swept | None]:
        self.registry.date = http_date(now) if self.date is None else self.date
        public = repository(self.registry, PUBLIC)
        image = Image(public=public, planned=self.planned, pinned=self.pinned)

        async def work(client: Any) -> tuple[Found, Swept | None]:
            pruner = Pruner(
                registry=client,
                versions=Distribution(registry=client),
                owner=self.owner,
                state=lambda: self.known,
                now=lambda: now,
                days=days,
                max_share=self.max_share,
            )
            found = await pruner.look(image)
            if meanwhile is None:
                return found, None
            meanwhile()
            return found, await pruner.apply(found)

        done: tuple[Found, Swept | None] = self.run(work)
        return done

    def holds(self, name: str, digest: str) -> bool:
        return digest in self.registry.repositories[name].manifests


def tagged(registry: FakeRegistry, name: str, tag: str, text: str) -> str:
    digest = registry.push_image(name, "linux/amd64", text)
    registry.repositories[name].tags[tag] = digest
    return digest


def superseded(sweeper: Sweeper) -> str:
    """Have a build tag noted, then moved on; return the digest that it left."""
    old = tagged(sweeper.registry, BUILD, "a", "old")
    sweeper.sweep()
    tagged(sweeper.registry, BUILD, "a", "new")
    return old


def superseded_index(sweeper: Sweeper) -> tuple[str, str]:
    """Have an index noted, then its tag moved on; return the index that it left, and its child."""
    old = sweeper.registry.push_index(PUBLIC, "py3.11-0.34.0")
    sweeper.sweep(FIRST)
    (child,) = set(sweeper.registry.repositories[PUBLIC].manifests) - {old}
    new = sweeper.registry.push_index(PUBLIC, "other")
    sweeper.registry.repositories[PUBLIC].tags["py3.11-0.34.0"] = new
    sweeper.sweep(FIRST)
    return old, child


def push_index_of(
    registry: FakeRegistry,
    children: list[str],
    tag: str,
    annotations: dict[str, str],
    name: str = PUBLIC,
) -> str:
    entries = [
        {
            "mediaType": OCI_MANIFEST,
            "digest": digest,
            "size": len(registry.repositories[name].manifests[digest][1]),
            "platform": {"os": "linux", "architecture": "amd64"},
        }
        for digest in children
    ]
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": entries,
        "annotations": annotations,
    }
    return registry.push_manifest(name, document, tag)


def push_build(
    registry: FakeRegistry,
    tag: str,
    platforms: list[str],
    annotations: dict[str, str] | None = None,
    name: str = BUILD,
) -> str:
    """Push an index as a build leaves it, of an image for each text of `platforms`."""
    children = [registry.push_image(name, "linux/amd64", text) for text in platforms]
    return push_index_of(registry, children, tag, annotations or {}, name)


def exported_build(registry: FakeRegistry, source: str, built: str) -> str:
    """Return a state whose public tag comes from `source`, with a build that gave `built` since."""
    public, build = repository(registry, PUBLIC), repository(registry, BUILD)
    tag = {"ref": f"{public}:v", "digest": source, "source": f"{build}@{source}"}
    image = {"tags": [f"{build}:a"], "digest": built}
    resources = [
        {"urn": "urn:t", "type": "ociregistry:index:Tag", "outputs": tag},
        {"urn": "urn:i", "type": "docker-build:index:Image", "outputs": image},
    ]
    return json.dumps({"version": 3, "deployment": {"resources": resources}})


def nested(registry: FakeRegistry, *, outer_first: bool) -> tuple[str, str]:
    """Push an index under the tag `outer` whose digest sorts as asked; return its child and it."""
    inner = registry.push_index(PUBLIC, "inner")
    del registry.repositories[PUBLIC].tags["inner"]
    for number in range(100):
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [{"mediaType": OCI_INDEX, "digest": inner, "size": 1}],
            "annotations": {"number": str(number)},
        }
        outer = registry.push_manifest(PUBLIC, document, "outer")
        if (outer < inner) is outer_first:
            return inner, outer
        del registry.repositories[PUBLIC].manifests[outer]
    raise AssertionError("not a digest sorts so")


def push_referrer(
    registry: FakeRegistry, subject: str, text: str, tag: str, name: str = PUBLIC
) -> str:
    digest = registry.push_image(name, "linux/amd64", text)
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"digest": digest, "size": 1},
        "layers": [],
        "subject": {"mediaType": OCI_INDEX, "digest": subject, "size": 1},
        "annotations": {"text": text, "unlike": DIGEST},
    }
    return registry.push_manifest(name, document, tag)
