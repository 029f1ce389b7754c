"""The sweep of what grows: superseded digests of an image's two repositories.

Dry runs write nothing. A run that applies writes the ledger first, so that an interrupted one
forgets nothing, then deletes, then writes the ledger without what went.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from fleet.http.text import indented
from fleet.registry.client import Client
from fleet.registry.reference import Repository
from fleet.registry.undo_log import owner_at, tag_of
from fleet.upkeep.images import Image
from fleet.upkeep.prune import ledger as ledgers
from fleet.upkeep.prune.delete import Deletion
from fleet.upkeep.prune.digests import Distribution
from fleet.upkeep.prune.garbage import UnreferencedDigest, decide, find_unreferenced, refusal
from fleet.upkeep.prune.keep import Needs, Seen, kept_of
from fleet.upkeep.prune.ledger import Ledger
from fleet.upkeep.prune.referrers import indexes, with_referrers
from fleet.upkeep.prune.repository_snapshot import RepositorySnapshot, take_snapshot
from fleet.upkeep.prune.tag_list_check import DoubtError, Known, agreed_time, confirm
from fleet.upkeep.prune.undo import undo_record
from fleet.upkeep.state import State

MAX_SHARE = 0.5
"""The share of a repository's known digests that one run deletes at most, unless told."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """The result of reading an image: the unreferenced digests, and the ledger after that.

    ``held`` is what each of its repositories held. ``doubts`` say why nothing is taken from what a
    repository shows, ``refused`` why nothing of what is due there may go; ``unrecorded`` are
    repositories whose names no run has recorded before.
    """

    image: Image
    unreferenced: tuple[UnreferencedDigest, ...]
    ledger: Ledger
    held: Mapping[Repository, RepositorySnapshot] = field(default_factory=dict)
    doubts: Mapping[Repository, str] = field(default_factory=dict)
    refused: Mapping[Repository, str] = field(default_factory=dict)
    unrecorded: tuple[Repository, ...] = ()

    @property
    def due(self) -> tuple[UnreferencedDigest, ...]:
        """The unreferenced digests that have waited long enough."""
        return tuple(item for item in self.unreferenced if item.due)


@dataclass(frozen=True, kw_only=True)
class Swept:
    """The digests that were deleted, and those that were not, with reasons."""

    gone: tuple[UnreferencedDigest, ...] = ()
    kept: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Pruner:
    """Looks at images, and deletes what is due.

    ``state`` reads the stack's state again; ``now`` returns this machine's time (RFC
    3339), which has to agree with the registry's, by which retention goes; ``days`` are how long
    a digest that nothing needs stays, so that those who pinned it can move on. ``max_share`` (0 to
    1) is the share of a repository's known digests above which nothing there is deleted.
    """

    registry: Client
    versions: Distribution
    owner: str
    state: Callable[[], State]
    now: Callable[[], str]
    days: int
    max_share: float = MAX_SHARE

    async def look(self, image: Image) -> Found:
        """Return what is unreferenced in the repositories of ``image``; writes nothing.

        A repository whose tag list can't be believed is left out, and with the public one all: what
        the others are needed for is seen there.

        :raises TroubleError: when the stack's state names nothing of a registry that has tags, or
            when the registry's time is unknown or not this machine's.
        :raises fleet.registry.errors.OciError: when the registry fails.
        """
        state = self.state()
        before = await ledgers.load(self.registry, image.build, self.owner)
        seen = await self._seen(image, before, state)
        seen, kept = await self._with_referrers(image, seen, state)
        ledger, unreferenced, refused = before, list[UnreferencedDigest](), dict[Repository, str]()
        for repository, held in seen.held.items():
            free = find_unreferenced(held, kept[repository])
            decided = decide(held, free, before, self.days, held.date)
            # A ledger that named itself would differ at every look.
            there = {*held.nodes, *free} - set(held.records.values())
            due = sum(item.due for item in decided)
            if reason := refusal(repository, due, len(held.digests), self.max_share):
                refused[repository] = reason
            unreferenced += decided
            if held.known:
                ledger = ledger.observe(repository, there, free, held.date, held.names)
        return Found(
            image=image,
            unreferenced=tuple(unreferenced),
            ledger=ledger,
            held=seen.held,
            doubts=seen.doubts,
            refused=refused,
            unrecorded=tuple(r for r in seen.held if not before.recorded(r)),
        )

    async def apply(self, found: Found) -> Swept:
        """Delete what is due and still unneeded; a digest that can't be deleted stops no other.

        A repository that contradicts itself meanwhile stops the deletion there and after it.

        :raises TroubleError: before any write, when the registry deletes no digests.
        :raises fleet.registry.errors.OciError: when the registry fails otherwise.
        """
        due = {r: [i for i in found.due if i.repository == r] for r in found.held}
        known = [r for r, held in found.held.items() if held.known and found.ledger.of(r)]
        if not known:
            return Swept()
        for repository in dict.fromkeys((known[0], *(r for r in due if due[r]))):
            await self.versions.require(repository)
        ledger = await self._save(found.image, found.ledger)
        gone: list[UnreferencedDigest] = []
        kept: dict[str, str] = {}
        stopped = ""
        try:
            for repository, items in due.items():
                reason = stopped or found.refused.get(repository, "")
                if items and not reason:
                    reason = stopped = await self._delete(found, repository, items, gone, kept)
                left = (item.digest for item in items if item not in gone)
                kept |= {digest: reason for digest in left if digest not in kept}
        finally:
            for item in gone:
                ledger = ledger.without(item.repository, [item.digest])
            await self._save(found.image, ledger)
        return Swept(gone=tuple(gone), kept=kept)

    async def _delete(
        self,
        found: Found,
        repository: Repository,
        items: Collection[UnreferencedDigest],
        gone: list[UnreferencedDigest],
        kept: dict[str, str],
    ) -> str:
        """Delete ``items`` of a repository; return what stopped that, or an empty string."""
        deletion = Deletion(
            registry=self.registry,
            versions=self.versions,
            needs=lambda: self._needs(found.image, repository, found.ledger, self.state()),
            held=found.held[repository],
            items=items,
            formerly=found.ledger.names(repository),
        )
        try:
            await deletion.run()
        except DoubtError as doubt:
            return str(doubt)
        finally:
            gone += deletion.gone
            kept |= deletion.kept
        return ""

    async def _seen(self, image: Image, ledger: Ledger, state: State) -> Seen:
        held: dict[Repository, RepositorySnapshot] = {}
        needs: dict[Repository, Needs] = {}
        doubts: dict[Repository, str] = {}
        for repository in image.repositories:
            if image.public in doubts:
                doubts[repository] = f"what needs it is not known without {image.public}"
                continue
            try:
                needs[repository] = await self._needs(image, repository, ledger, state)
                held[repository] = await self._take_snapshot(repository, needs[repository])
            except DoubtError as doubt:
                doubts[repository] = str(doubt)
        return Seen(held=held, needs=needs, doubts=doubts)

    async def _with_referrers(
        self, image: Image, seen: Seen, state: State
    ) -> tuple[Seen, dict[Repository, frozenset[str]]]:
        """Return also what refers to each index that nothing else needs, and what then stays."""
        asked: set[tuple[Repository, str]] = set()
        while True:
            kept = kept_of(image, seen, state, self.owner)
            held = dict(seen.held)
            for repository in kept:
                free = find_unreferenced(held[repository], kept[repository])
                new = [d for d in indexes(held[repository], free) if (repository, d) not in asked]
                asked |= {(repository, digest) for digest in new}
                held[repository] = await with_referrers(self.registry, held[repository], new)
            if held == seen.held:
                return seen, kept
            seen = replace(seen, held=held)

    async def _take_snapshot(self, repository: Repository, needs: Needs) -> RepositorySnapshot:
        listed = await self.registry.tags(repository)
        await confirm(self.registry, listed, needs.known)
        if not listed.known:
            return RepositorySnapshot(repository=repository, known=False)
        date = agreed_time(repository, listed, self.now())
        also = needs.known.digests | needs.roots | await self.versions.listed(repository)
        held = await take_snapshot(self.registry, repository, listed.tags, also, self.owner)
        return replace(held, date=date)

    async def _needs(
        self, image: Image, repository: Repository, ledger: Ledger, state: State
    ) -> Needs:
        """Return the needs of ``repository``, one of the ``image``'s.

        :raises DoubtError: when the undo record can't be read.
        """
        record = await undo_record(self.registry, image, repository, state, self.owner)
        pinned = image.pinned if repository == image.public else frozenset[str]()
        undone, own = {entry.digest for entry in record}, set[str]()
        if repository == image.build:
            # That the ledger could be read says that its name is there.
            own = {tag_of(self.owner), *([ledgers.tag_of(self.owner)] if ledger.entries else [])}
            mirrors = (place for place, source in state.mirrors.items() if source == image.public)
            own |= {tag_of(owner_at(self.owner, place)) for place in mirrors}
        return Needs(
            known=Known(
                repository=repository,
                declared=state.tags.get(repository, frozenset()),
                names=frozenset({*ledger.names(repository), *(e.tag for e in record), *own}),
                digests=frozenset(ledger.of(repository)),
            ),
            # A public index has the digest of its build, and does not need it.
            digests=(state.built if repository == image.build else state.digests) | undone | pinned,
            roots=frozenset(undone) | pinned | state.roots.get(repository, frozenset()),
        )

    async def _save(self, image: Image, ledger: Ledger) -> Ledger:
        return await ledgers.save(self.registry, image.build, self.owner, ledger)


def report(found: Found, days: int, swept: Swept | None) -> str:
    """Report what is unreferenced and when it goes; ``swept`` is None in a dry run."""
    lines = [
        f"  {place.name} is left as it is: {indented(why, 4)}"
        for place, why in found.doubts.items()
    ]
    if not found.unreferenced:
        nothing = "" if lines else " nothing is superseded"
        return "\n".join([f"{found.image.public}:{nothing}", *lines])
    lines += [f"  nothing is deleted: {why}" for why in found.refused.values()]
    if any(item.repository in found.unrecorded for item in found.unreferenced):
        lines.append("  the names were not on record yet: APPLY=1 notes them, the next one deletes")
    lines += [_line(item, found, swept) for item in found.unreferenced]
    first = f"{found.image.public}: {len(found.unreferenced)} superseded, kept for {days} days"
    return "\n".join([first, *lines])


def _line(item: UnreferencedDigest, found: Found, swept: Swept | None) -> str:
    fate = f"goes on {item.goes}"
    if item.due:
        fate = "due: `make prune APPLY=1` deletes it"
    if item.due and item.repository in found.refused:
        fate = "due, and kept because these are too many"
    elif item.due and swept is not None:
        kept = indented(swept.kept.get(item.digest, ""), 4)
        fate = "deleted" if item in swept.gone else f"kept: {kept}"
    named = f" ({', '.join(item.tags)})" if item.tags else ""
    return f"  {item.repository.name}@{item.digest}{named}: {fate}"
