"""The deletion of one image's due digests, in small batches with a new look before each.

A name that somebody puts on a due digest meanwhile has to save it, and no registry deletes on
condition. So everything is looked at again before each batch, and before each digest the names that
could matter to it. How many requests that takes is in ADR 7.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from math import ceil

from fleet.console import TroubleError
from fleet.registry.errors import OciError
from fleet.registry.interface import Registry
from fleet.registry.reference import Repository
from fleet.upkeep.prune.digests import Versions
from fleet.upkeep.prune.garbage import UnreferencedDigest, needed
from fleet.upkeep.prune.ledger import Names
from fleet.upkeep.prune.repository_snapshot import Node, RepositorySnapshot
from fleet.upkeep.prune.tag_list_check import DoubtError, confirm, read, require_all

BATCH = 10
"""Deletions between two looks at everything, as long as ``BUDGET`` suffices."""
BUDGET = 10_000
"""Requests for names by the looks before batches; beyond it batches grow instead."""
_LOOKS = 5
"""Looks at everything before one deletion, where names change each time."""


def batch_size(deletions: int, names: int) -> int:
    """Return how many digests go between two looks that ask for so many ``names`` each."""
    return max(BATCH, ceil(deletions * names / BUDGET))


class _NeededError(TroubleError):
    """A digest is needed by a name that came up while its deletion waited to be repeated."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """The snapshots of an image's repositories, and by repository the digests that stay.

    ``doubts`` say why nothing is taken from what a repository shows: the others are of the rest.
    """

    held: Mapping[Repository, RepositorySnapshot]
    kept: Mapping[Repository, frozenset[str]]
    doubts: Mapping[Repository, str]


@dataclass(kw_only=True)
class Deletion:
    """Deletes digests of a ``repository`` but those that a name or the state has come to need.

    ``survey`` looks at everything again, where some tags are gone; ``formerly`` are the names that
    were ever seen, with their digests. ``gone`` and ``kept`` (with the reason) fill as it goes on.
    An index that stays, whether needed or because the registry refuses, keeps its platforms and
    what is attached to it: it would be left without them.

    ``_nodes`` are all that any look found, so that a digest which went is still known to be above
    another one; ``_refused`` says of digests why they stay whatever needs them.
    """

    repository: Repository
    registry: Registry
    versions: Versions
    survey: Callable[[Collection[str]], Awaitable[Survey]]
    formerly: Names
    gone: list[UnreferencedDigest]
    kept: dict[str, str]
    _held: RepositorySnapshot = field(init=False)
    _needed: frozenset[str] = frozenset()
    _nodes: dict[str, Node] = field(default_factory=dict)
    _refused: dict[str, str] = field(default_factory=dict)

    async def run(self, items: Collection[UnreferencedDigest]) -> None:
        """Delete one after the other.

        :raises DoubtError: when the registry contradicts itself; what is left was not deleted.
        :raises fleet.registry.errors.OciError: when the registry fails.
        """
        waiting = list(items)
        while waiting:
            size = batch_size(len(items), await self._look())
            for item in waiting[:size]:
                await self._one(item)
            waiting = waiting[size:]

    async def _one(self, item: UnreferencedDigest) -> None:
        async def look() -> None:
            if why := await self._why_needed(item.digest):
                raise _NeededError(why)

        try:
            await look()
            await self.versions.delete(item.repository, item.digest, item.tags, look)
        except DoubtError:
            raise
        except (TroubleError, OciError) as error:
            self.kept[item.digest] = str(error)
            if not isinstance(error, _NeededError):
                why = f"belongs to {item.digest}, which stays"
                below = dict.fromkeys(needed(self._held, {item.digest}), why)
                self._refused = {**below, **self._refused}
        else:
            self.gone.append(item)

    async def _look(self) -> int:
        """Look at everything, and return how many names that took."""
        survey = await self.survey(self._gone_tags())
        if doubt := survey.doubts.get(self.repository):
            raise DoubtError(doubt)
        self._held, self._needed = survey.held[self.repository], survey.kept[self.repository]
        self._nodes |= self._held.nodes
        return sum(len(held.tags) for held in survey.held.values())

    async def _why_needed(self, digest: str) -> str:
        """Return why a digest stays, by names as they are now; an empty string if it may go."""
        for _ in range(_LOOKS):
            if digest in self._refused:
                return self._refused[digest]
            if digest in self._needed:
                return "needed again"
            if not await self._has_changed(digest):
                return ""
            await self._look()
        raise DoubtError(f"the names of {self.repository} change all the time; run again later")

    async def _has_changed(self, digest: str) -> bool:
        """Ask for names that came up, and for those of the digest and of what it belongs to."""
        place, left, known = self.repository, self._gone_tags(), self._held.tags
        listed = await self.registry.tags(place)
        if not listed.known:
            raise DoubtError(f"the tag list of {place} is not there now, and was before")
        above = _upwards(self._nodes, digest)
        former = {tag for tag, held in self.formerly.items() if not above.isdisjoint(held)}
        await confirm(self.registry, place, listed, (former | known.keys()) - left)
        wanted = [tag for tag in listed.tags if tag in former or tag not in known]
        found = await read(self.registry, place, wanted)
        require_all(place, [t for t, held in found.items() if held is None and t not in left])
        return any(known.get(tag) != held for tag, held in found.items() if held is not None)

    def _gone_tags(self) -> frozenset[str]:
        return frozenset(t for i in self.gone if i.repository == self.repository for t in i.tags)


def _upwards(nodes: Mapping[str, Node], digest: str) -> frozenset[str]:
    """Return ``digest`` and all above it: indexes that list it, and what it is attached to."""
    parents: defaultdict[str, set[str]] = defaultdict(set)
    for node in nodes.values():
        for child in node.children:
            parents[child].add(node.digest)
        if node.subject:
            parents[node.digest].add(node.subject)
    found, waiting = {digest}, [digest]
    while waiting:  # a registry can hold a circle
        more = parents[waiting.pop()] - found
        found |= more
        waiting += more
    return frozenset(found)
