"""For any declaration and any registry: after an up the names are right, and nothing was lost."""

import tempfile
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.version import Version

from fleet.declaration.tags import PointerKind, Tag
from fleet.plan.plan import Plan, make_plan
from fleet.registry.manifest import OWNER_ANNOTATION, VERSION_ANNOTATION
from tests.faults.planned import Applied, Watched
from tests.fleet.examples import PLATFORMS, declaration, inputs, is_pointer, lock
from tests.providers.ociregistry.engine_fake import Engine
from tests.providers.ociregistry.registry_fake import (
    OCI_MANIFEST,
    FakeRegistry,
    http_date,
    serving,
    sha,
)

OWNER, NAME = "fleet/dev", "multi-py/web"
PYTHONS = ("3.8", "3.11", "3.12")
VERSIONS = ("0.9.0", "0.10.0", "0.10.1", "1.0.0", "1.0.0.post1", "1.1.0rc1", "1.2.0.1")
ENDS = (*VERSIONS, "LATEST", "0.10", "1.0", "1.2", "1")
OWNERS = (OWNER, "fleet/prod", "")
POLICIES = ("remove", "keep", "remove after 30 days")
FIRST, EVE, DUE = "2026-01-02T03:04:05Z", "2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Live:
    """One name as an earlier time left it: `content` names the index that it shares.

    `version` is what that index says of itself, empty where it says nothing.
    """

    tag: str
    content: str
    owner: str
    version: str
    interrupted: bool

    @property
    def annotations(self) -> dict[str, str]:
        given = {OWNER_ANNOTATION: self.owner, VERSION_ANNOTATION: self.version}
        return {name: text for name, text in given.items() if text}

    @property
    def kind(self) -> PointerKind:
        """The kind of pointer that the tag has the form of, found apart from the program."""
        end = self.tag.rpartition("-")[2]
        return "LATEST" if end == "LATEST" else "X.Y" if "." in end else "X"


@dataclass(frozen=True, kw_only=True)
class World:
    """The declared, the yanked and the live versions, and the order in which tags come."""

    plan: Plan
    yanked: frozenset[str]
    versions: tuple[str, ...]
    pythons: tuple[str, ...]
    live: tuple[Live, ...]
    order: tuple[Tag, ...]

    @property
    def pointers(self) -> dict[str, str]:
        """Return declared pointers and their tags, found apart from the program."""
        found: dict[str, str] = {}
        for text in sorted(self.versions, key=Version):
            version = Version(text)
            if text in self.yanked or version.is_prerelease:
                continue
            ends = ["LATEST", f"{version.major}.{version.minor}"]
            ends += [str(version.major)] if version.major else []
            for python in self.pythons:
                found |= {f"py{python}-slim-{end}": f"py{python}-slim-{text}" for end in ends}
        return found


def subsets(of: tuple[str, ...], most: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(of), unique=True, min_size=1, max_size=most).map(tuple)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    pythons, versions = draw(subsets(PYTHONS, 2)), draw(subsets(VERSIONS, 3))
    policy = {kind: draw(st.sampled_from(POLICIES)) for kind in ("LATEST", "X.Y", "X")}
    declared = declaration(
        pythons=list(pythons), versions=list(versions), platforms=list(PLATFORMS), pointers=policy
    )
    yanked = draw(st.sets(st.sampled_from(VERSIONS), max_size=2).map(frozenset))
    locked = lock(declared, yanked={"uvicorn": tuple(yanked)})
    plan = make_plan(declared, inputs(declared, lock=locked), OWNER)
    places = [f"py{python}-slim-{end}" for python in PYTHONS for end in ENDS]
    return World(
        plan=plan,
        yanked=yanked,
        versions=versions,
        pythons=pythons,
        live=draw(live_tags((*places, "edge", f"sha256-{'a' * 64}"))),
        order=tuple(draw(st.permutations([tag.tag for tag in plan.images[0].tags]))),
    )


def live_tags(places: tuple[str, ...]) -> st.SearchStrategy[tuple[Live, ...]]:
    one = st.builds(
        Live,
        tag=st.sampled_from(places),
        content=st.sampled_from(["a", "b", "c"]),
        owner=st.sampled_from(OWNERS),
        version=st.sampled_from(["", "", "0.10", "1.0.0"]),
        interrupted=st.integers(0, 9).map(lambda number: number == 0),
    )
    return st.lists(one, max_size=8, unique_by=lambda live: live.tag).map(tuple)


def leftover(nonce: str) -> dict[str, Any]:
    """Return what a removal that was interrupted leaves under a name."""
    return {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": sha(b"{}"),
            "size": 2,
        },
        "layers": [],
        "annotations": {"io.github.multi-py.fleet.removal": nonce},
    }


def fill(registry: FakeRegistry, world: World) -> None:
    storage = registry.repositories[NAME]
    for live in world.live:
        if live.interrupted and is_pointer(live.tag):
            registry.push_manifest(NAME, leftover(live.tag), live.tag)
            continue
        digest = registry.push_index(NAME, f"content-{live.content}", live.annotations or None)
        del storage.tags[f"content-{live.content}"]
        storage.tags[live.tag] = digest


class Moments:
    """Looks at the declared pointers before each write: one that pulled must go on to do so."""

    def __init__(self, registry: FakeRegistry, world: World) -> None:
        self._registry = registry
        self._world = world
        self._standing: set[str] = set()
        self.wrong: list[str] = []

    def look(self) -> None:
        tags = self._registry.repositories[NAME].tags
        for pointer in self._world.pointers:
            pulls = pointer in tags and self._registry.pullable(NAME, pointer)
            if pulls:
                self._standing.add(pointer)
            elif pointer in self._standing or self._is_broken_index(pointer):
                self.wrong.append(f"{pointer} names {tags.get(pointer)}")

    def _is_broken_index(self, pointer: str) -> bool:
        storage = self._registry.repositories[NAME]
        digest = storage.tags.get(pointer)
        return digest is not None and b'"manifests"' in storage.manifests[digest][1]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds(), deletes_tags=st.booleans())
def test_an_up_leaves_every_pointer_right_and_every_version_there(
    world: World, deletes_tags: bool
) -> None:
    with serving() as registry, tempfile.TemporaryDirectory() as folder:
        fill(registry, world)
        registry.tag_delete = deletes_tags
        before = dict(registry.repositories[NAME].tags)
        moments = Moments(registry, world)
        registry.log = Watched(moments.look)
        with Engine({"FLEET_PLAIN_HTTP": registry.host, "DOCKER_CONFIG": folder}) as engine:
            registry.clock = lambda: http_date(engine.now)
            applied = Applied(engine, registry, world.plan)
            applied.up(world.order)
            check_names(registry, world, before, due=False)
            moments.look()
            for engine.now, due in ((FIRST, False), (EVE, False), (DUE, True)):
                registry.log.clear()
                work = applied.up(world.order)
                check_names(registry, world, before, due=due)
                assert due or (work, registry.writes) == ({}, [])
            assert moments.wrong == []
            registry.log.clear()
            assert applied.up(world.order) == {}
            assert registry.writes == []


def goes(live: Live, world: World, tags: dict[str, str], digest: str, *, due: bool) -> bool:
    """Tell whether an undeclared pointer is to be gone, by the rules as the documentation has them.

    `tags` are those of the registry now, `digest` is what the pointer named at first.
    """
    if live.interrupted:
        return True
    policy = world.plan.images[0].policy[live.kind]
    if policy == "keep" or (policy != "remove" and not due) or live.owner == "fleet/prod":
        return False
    if live.kind == "LATEST":
        return True
    if live.owner and live.version:
        return not live.tag.endswith(f"-{live.version}")
    longer = {tag for tag in tags if tag.startswith(f"{live.tag}.") and not is_pointer(tag)}
    return any(tags[tag] == digest for tag in longer)


def check_names(registry: FakeRegistry, world: World, before: dict[str, str], *, due: bool) -> None:
    tags = registry.repositories[NAME].tags
    versions = {tag.tag for tag in world.plan.images[0].tags}
    assert {pointer: tags.get(pointer) for pointer in world.pointers} == {
        pointer: tags[target] for pointer, target in world.pointers.items()
    }
    declared = versions | set(world.pointers)
    others = {tag: digest for tag, digest in before.items() if tag not in declared}
    kept = {tag: digest for tag, digest in others.items() if not is_pointer(tag)}
    assert {tag: tags.get(tag) for tag in kept} == kept, "a version or foreign tag was touched"
    assert all(registry.pullable(NAME, tag) for tag in (*kept, *declared))
    for live in world.live:
        if live.tag in others and is_pointer(live.tag):
            gone = goes(live, world, tags, others[live.tag], due=due)
            assert (live.tag not in tags) is gone, f"{live} under {world.plan.images[0].policy}"
    assert all(registry.repositories[NAME].manifests.get(digest) for digest in kept.values())
