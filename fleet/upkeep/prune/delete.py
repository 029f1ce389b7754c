"""The deletion of one repository's due digests, in small batches with a new look before each.

A name that somebody puts on a due digest meanwhile has to save it, and no registry deletes on
condition. So all names are asked for before each batch, and before each digest those that could
matter to it. How many requests that takes is in ADR 7.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from math import ceil

from fleet.console import TroubleError
from fleet.declaration.grouping import grouped
from fleet.registry.client import Client
from fleet.registry.errors import OciError
from fleet.upkeep.prune.digests import Distribution
from fleet.upkeep.prune.garbage import UnreferencedDigest, needed, upwards
from fleet.upkeep.prune.keep import Needs
from fleet.upkeep.prune.ledger import Names
from fleet.upkeep.prune.referrers import indexes, statements_about
from fleet.upkeep.prune.repository_snapshot import RepositorySnapshot, follow
from fleet.upkeep.prune.tag_list_check import DoubtError, Known, confirm, read, require_all

BATCH = 10
"""Deletions between two looks at all names, as long as ``BUDGET`` suffices."""
BUDGET = 10_000
"""Requests for names by the looks before batches; beyond it batches grow instead."""


def batch_size(deletions: int, names: int) -> int:
    """Return how many digests go between two looks that ask for so many ``names`` each."""
    return max(BATCH, ceil(deletions * names / BUDGET))


class _NeededError(TroubleError):
    """A digest is needed by a name that came up while its deletion waited to be repeated."""


@dataclass(kw_only=True)
class Deletion:
    """Deletes ``items`` but those that a name or the state has come to need meanwhile.

    ``needs`` asks again; ``formerly`` are the names that were ever seen, with their digests.
    ``gone`` and ``kept`` (with the reason) fill as it goes on. An index that stays, whether needed
    or because the registry refuses, keeps its platforms and what is attached to it: it would be
    left without them.
    """

    registry: Client
    versions: Distribution
    needs: Callable[[], Awaitable[Needs]]
    held: RepositorySnapshot
    items: Collection[UnreferencedDigest]
    formerly: Names
    gone: list[UnreferencedDigest] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    _staying: dict[str, str] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _above: Mapping[str, Collection[str]] = field(default_factory=dict)

    async def run(self) -> None:
        """Delete one after the other.

        :raises DoubtError: when the registry contradicts itself; what is left was not deleted.
        :raises fleet.registry.errors.OciError: when the registry fails.
        """
        waiting, names = list(self.items), frozenset(self.held.tags)
        while waiting:
            needs = await self._look_again()
            size = batch_size(len(self.items), len(names | needs.known.names))
            for item in waiting[:size]:
                await self._one(item, needs)
            waiting = waiting[size:]

    async def _one(self, item: UnreferencedDigest, needs: Needs) -> None:
        if item.digest not in self._staying:
            await self._look_at(item, needs)
        if item.digest in self._staying:
            self.kept[item.digest] = self._staying[item.digest]
            return

        async def look() -> None:
            await self._look_at(item, needs)
            if why := self._staying.get(item.digest):
                raise _NeededError(why)

        try:
            await self.versions.delete(self.held.repository, item.digest, item.tags, look)
        except DoubtError:
            raise
        except (TroubleError, OciError) as error:
            self.kept[item.digest] = str(error)
            why = f"belongs to {item.digest}, which stays"
            below = dict.fromkeys(needed(self.held, {item.digest}, ()), why)
            self._staying = {**below, **self._staying}
        else:
            self.gone.append(item)

    async def _look_again(self) -> Needs:
        """Ask for every name, and for what the state needs now."""
        needs = await self.needs()
        await self._take(await self._answers(needs.known, lambda _: True), needs)
        self._above = _parents(self.held)
        return needs

    async def _look_at(self, item: UnreferencedDigest, needs: Needs) -> None:
        """Have an item stay that has come to be needed, or that others have come to refer to."""
        await self._look_at_names_of(item, needs)
        for digest in indexes(self.held, {item.digest} - self._staying.keys()):
            if await statements_about(self.registry, self.held, digest) is None:
                for below in needed(self.held, {digest}, ()):
                    self._staying.setdefault(below, f"others refer to {digest}")

    async def _look_at_names_of(self, item: UnreferencedDigest, needs: Needs) -> None:
        """Ask for names that came up, and for those of the digest and of what it belongs to."""
        above = upwards(self._above, item.digest)
        former = {tag for tag, digests in self.formerly.items() if not above.isdisjoint(digests)}
        known = Known(repository=self.held.repository, names=frozenset(former))
        before = dict(self._names)
        found = await self._answers(known, lambda tag: tag in former or tag not in before)
        if any(before.get(tag) != digest for tag, digest in found.items()):
            await self._take(found, needs)

    async def _answers(self, known: Known, wanted: Callable[[str], bool]) -> dict[str, str]:
        """List the names, hold that against what is known, and ask for the ``wanted`` ones."""
        place = self.held.repository
        left = frozenset(tag for item in self.gone for tag in item.tags)
        listed = await self.registry.tags(place)
        if not listed.known:
            raise DoubtError(f"the tag list of {place} is gone since this run began")
        names = (known.names | self._names.keys()) - left
        await confirm(self.registry, listed, replace(known, names=names))
        found = await read(self.registry, place, [tag for tag in listed.tags if wanted(tag)])
        require_all(place, [t for t, digest in found.items() if digest is None and t not in left])
        answers = {tag: digest for tag, digest in found.items() if digest is not None}
        there = frozenset(listed.tags)
        known_still = {tag: digest for tag, digest in self._names.items() if tag in there}
        self._names = known_still | answers
        return answers

    async def _take(self, found: Mapping[str, str], needs: Needs) -> None:
        """Have stay whatever the names ``found`` and the state need."""
        named = self._named(found)
        held = replace(self.held, tags={**self.held.tags, **found})
        self.held = await follow(self.registry, held, named | needs.roots)
        if lost := named - self.held.nodes.keys():
            place = f"{self.held.repository}@{min(lost)}"
            raise DoubtError(f"a tag names {place}, which the registry does not have")
        for digest in needed(self.held, named, needs.digests):
            self._staying.setdefault(digest, "needed again")

    def _named(self, tags: Mapping[str, str]) -> frozenset[str]:
        """Return the digests that ``tags`` name, but those that are to go with these very tags.

        A list of our own evidence is there for what it is about, and needs nothing itself.
        """
        going = {tag: item.digest for item in self.items for tag in item.tags}
        evidence = self.held.evidence
        return frozenset(
            digest
            for tag, digest in tags.items()
            if going.get(tag) != digest and digest not in evidence
        )


def _parents(held: RepositorySnapshot) -> dict[str, list[str]]:
    """Return by digest the indexes that list it, and what it is attached to or tells of."""
    nodes = held.nodes.values()
    return grouped(
        [
            *((child, node.digest) for node in nodes for child in node.children),
            *((node.digest, node.subject) for node in nodes if node.subject),
            *held.evidence.items(),
        ]
    )
