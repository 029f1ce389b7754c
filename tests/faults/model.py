"""A fleet as random steps change it: what is declared, and what must be there for ever."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fleet.declaration import tags as names
from fleet.plan.pointers import line_heads
from fleet.registry.manifest import OWNER_ANNOTATION
from fleet.registry.referrers import fallback_tag
from tests.engine.reading import Reading
from tests.engine.registries import Served
from tests.engine.seeding import delete, move_tag, push_image, push_index

PLATFORMS = ("linux/amd64", "linux/arm/v7")
HISTORIC = "py3.6-0.20.0"
STRAYS = ("py3.7-LATEST", "py3.8-LATEST", "py3.8-0.30")
GRAMMAR = {kind: names.pointer_pattern(kind) for kind in ("LATEST", "X.Y")}
_KINDS: tuple[names.PointerKind, ...] = ("LATEST", "X.Y")


@dataclass
class Fleet:
    """One repository of a registry, and what is declared for it.

    `storage` is the registry itself, where `registry` is something before it. `kept` maps every
    version tag that an up published to its platforms' digests. `deletes` says that a person can
    delete names and digests of the registry by hand.
    """

    registry: Served
    storage: Served
    name: str
    deletes: bool = True
    pythons: list[str] = field(default_factory=lambda: ["3.11", "3.12"])
    versions: list[str] = field(default_factory=lambda: ["0.33.0", "0.33.1"])
    retired: list[str] = field(default_factory=list)
    kept: dict[str, dict[str, str]] = field(default_factory=dict)
    untouched: dict[str, str] = field(default_factory=dict)
    _built: dict[str, dict[str, str]] = field(default_factory=dict)
    _indexes: dict[str, str] = field(default_factory=dict)

    @property
    def view(self) -> Reading:
        """Return what is there, for whoever judges."""
        return Reading(self.storage, self.name)

    @property
    def build(self) -> str:
        return f"{self.name}/build"

    @property
    def tags(self) -> dict[str, dict[str, str]]:
        """Return each declared version tag with its platforms' digests, built if need be."""
        wanted = [f"py{python}-{version}" for python in self.pythons for version in self.versions]
        return {tag: self._source(tag) for tag in wanted}

    @property
    def indexes(self) -> dict[str, str]:
        """Return each declared version tag with the digest of the index that was built for it."""
        return {tag: self._indexes[tag] for tag in self.tags}

    @property
    def lists(self) -> frozenset[str]:
        """Return the tags of the lists of all that refers to an index which was ever built."""
        return frozenset(map(fallback_tag, self._indexes.values()))

    @property
    def builds(self) -> frozenset[str]:
        """Return the tags in the workshop of all that is declared."""
        return frozenset(self.tags)

    @property
    def pointers(self) -> dict[str, str]:
        """Return each declared pointer with the tag it shall name, as the program finds them."""
        heads = line_heads(self.versions, _KINDS)
        return {
            f"py{python}-{end}": f"py{python}-{version}"
            for python in self.pythons
            for end, version in heads.items()
        }

    def seed(self) -> None:
        """Fill the repository as an older way of publishing left it."""
        tag = "py3.8-0.30.0"
        children = push_image(self.registry, self.name, PLATFORMS, tag)
        attached = f"sha256-{'a' * 64}"
        digest = push_index(self.registry, self.name, [tag, "edge", attached, *STRAYS], children)
        self.kept[tag] = children
        # A version that left the declaration long ago, and that no pointer named since.
        self.kept[HISTORIC] = push_image(self.registry, self.name, PLATFORMS, HISTORIC)
        push_index(self.registry, self.name, [HISTORIC], self.kept[HISTORIC])
        self.untouched |= {"edge": digest, attached: digest}

    def published(self) -> None:
        """Note that what is declared was published: it must be there from now on."""
        self.kept |= self.tags

    def swept(self) -> None:
        """Note that builds may have been swept: what is declared is built again."""
        self._built.clear()

    def _source(self, tag: str) -> dict[str, str]:
        if tag not in self._built:
            children = push_image(self.registry, self.build, PLATFORMS, tag)
            owner = {OWNER_ANNOTATION: "fleet/dev"}
            self._built[tag] = children
            self._indexes[tag] = push_index(self.registry, self.build, [tag], children, owner)
        return self._built[tag]


def step(fleet: Fleet, draw: random.Random) -> str:
    """Change the declaration, or the registry by hand; return what was done, in words."""
    changes: list[Callable[[Fleet, random.Random], str]] = [_add, _remove, _retire, _move, _stray]
    changes += [_drop, _lose] if fleet.deletes else []
    return draw.choice(changes)(fleet, draw)


def _add(fleet: Fleet, draw: random.Random) -> str:
    minor, patch = (int(part) for part in fleet.versions[-1].split(".")[1:])
    following = (f"0.{minor}.{patch + 1}", f"0.{minor + 1}.0")
    fleet.versions.append(draw.choice(following))
    return f"add version {fleet.versions[-1]}"


def _remove(fleet: Fleet, draw: random.Random) -> str:
    if len(fleet.versions) == 1:
        return _add(fleet, draw)
    version = draw.choice(fleet.versions)
    fleet.versions.remove(version)
    return f"remove version {version}"


def _retire(fleet: Fleet, draw: random.Random) -> str:
    if len(fleet.pythons) == 1:
        fleet.pythons.append(fleet.retired.pop())
        return f"bring Python {fleet.pythons[-1]} back"
    python = draw.choice(fleet.pythons)
    fleet.pythons.remove(python)
    fleet.retired.append(python)
    return f"remove Python {python}"


def _live_pointers(fleet: Fleet) -> Mapping[str, str]:
    live = fleet.view.tags()
    return {pointer: live[pointer] for pointer in fleet.pointers if pointer in live}


def _move(fleet: Fleet, draw: random.Random) -> str:
    live = _live_pointers(fleet)
    if not live:
        return _add(fleet, draw)
    pointer, target = draw.choice(sorted(live)), draw.choice(sorted(fleet.kept))
    move_tag(fleet.registry, fleet.name, pointer, target)
    return f"move {pointer} to {target} by hand"


def _drop(fleet: Fleet, draw: random.Random) -> str:
    live = _live_pointers(fleet)
    if not live:
        return _add(fleet, draw)
    pointer = draw.choice(sorted(live))
    delete(fleet.registry, fleet.name, pointer)
    return f"delete {pointer} by hand"


def _lose(fleet: Fleet, draw: random.Random) -> str:
    there = sorted(set(fleet.tags) & set(fleet.kept))
    if not there:
        return _add(fleet, draw)
    tag, platform = draw.choice(there), draw.choice(PLATFORMS)
    delete(fleet.registry, fleet.name, fleet.kept[tag][platform])
    return f"lose {platform} of {tag}"


def _stray(fleet: Fleet, draw: random.Random) -> str:
    pointer, target = draw.choice(STRAYS), draw.choice(sorted(fleet.kept))
    if not pointer.endswith("LATEST"):
        target = f"{pointer}.0"  # one that names something else could be a version of two parts
    move_tag(fleet.registry, fleet.name, pointer, target)
    return f"point {pointer} at {target} by hand"
