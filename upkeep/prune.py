"""The sweep of what grows: superseded digests of an image's three repositories.

Dry runs write nothing. A run that applies writes the ledger first, so that an interrupted one
forgets nothing, then deletes, then writes the ledger without what went.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fleet.plan import ImagePlan
from local.say import TroubleError
from providers.oci.errors import OciError
from providers.oci.reference import Repository
from providers.oci.registry import Registry
from upkeep import ledger as ledgers
from upkeep.holdings import Holdings, follow, hold
from upkeep.ledger import Ledger
from upkeep.parallel import each
from upkeep.state import State
from upkeep.sweep import Loose, decide, loosened, needed
from upkeep.versions import Versions


@dataclass(frozen=True, kw_only=True)
class Image:
    """The repositories of an image, and the tags of its workshops that the plan names."""

    public: Repository
    planned: frozenset[str]

    @property
    def build(self) -> Repository:
        """The workshop of platform images."""
        return Repository(host=self.public.host, name=f"{self.public.name}/build")

    @property
    def cache(self) -> Repository:
        """The workshop of build caches."""
        return Repository(host=self.public.host, name=f"{self.public.name}/cache")

    @property
    def repositories(self) -> tuple[Repository, Repository, Repository]:
        """All three."""
        return (self.public, self.build, self.cache)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a look at an image found: the loose digests, and the ledger after that look.

    ``held`` is what each of its repositories held.
    """

    image: Image
    loose: tuple[Loose, ...]
    ledger: Ledger
    held: Mapping[Repository, Holdings] = field(default_factory=dict)

    @property
    def due(self) -> tuple[Loose, ...]:
        """The loose digests that have waited long enough."""
        return tuple(item for item in self.loose if item.due)


def image_of(plan: ImagePlan) -> Image:
    """Return the repositories of a planned image."""
    builds = [build for tag in plan.tags for build in tag.builds]
    places = [build.reference for build in builds]
    places += [build.wheels.cache for build in builds if build.wheels]
    tags = (place.rpartition(":")[2] for place in places)
    return Image(public=Repository.parse(plan.repository), planned=frozenset(tags))


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What went, and what did not and why."""

    gone: tuple[Loose, ...] = ()
    kept: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Pruner:
    """Looks at images, and deletes what is due.

    ``state`` reads the stack's state anew; ``now`` returns an RFC 3339 time; ``days`` are how long
    a digest that nothing needs stays, so that those who pinned it can move on.
    """

    registry: Registry
    versions: Versions
    owner: str
    state: Callable[[], State]
    now: Callable[[], str]
    days: int

    async def look(self, image: Image) -> Found:
        """Return what is loose in the repositories of ``image``; writes nothing.

        :raises TroubleError: when the stack's state names nothing of a registry that has tags.
        :raises providers.oci.errors.OciError: when the registry fails or a list is not whole.
        """
        state, now = self.state(), self.now()
        ledger = await ledgers.load(self.registry, image.build, self.owner)
        public = await self._hold(image.public, ledger, state)
        if public.tags and not state.digests:
            raise TroubleError(
                f"the state of stack {state.stack} names no digest, though {image.public} has "
                "tags; run `make adopt` and `make up` first, or everything would seem unneeded"
            )
        build = await self._hold(image.build, ledger, state)
        cache = await self._hold(image.cache, ledger, state)
        kept = {
            image.public: needed(
                public, {*public.tags.values(), *self._foreign(public)}, state.digests
            ),
            image.build: needed(
                build, _planned(build, image.planned), state.digests | self._others(public)
            ),
        }
        # No cache says whose it is: where another stack has tags, each may be the other's.
        serving = frozenset(cache.tags) if self._foreign(public) else image.planned
        kept[image.cache] = needed(cache, _planned(cache, serving), state.digests)
        loose: list[Loose] = []
        for held in (public, build, cache):
            keep = kept[held.repository]
            free = loosened(held, keep, held.nodes)
            loose += decide(held, free, ledger, self.days, now)
            # A ledger that named itself would differ at every look.
            seen = {*held.nodes, *free} - set(held.ledgers.values())
            ledger = ledger.observe(held.repository, seen, free, now)
        held_by = {held.repository: held for held in (public, build, cache)}
        return Found(image=image, loose=tuple(loose), ledger=ledger, held=held_by)

    async def apply(self, found: Found) -> Swept:
        """Delete what is due and still unneeded; a digest that can't be deleted stops no other.

        :raises TroubleError: before any write, when the registry deletes no digests.
        :raises providers.oci.errors.OciError: when the registry fails otherwise.
        """
        if not any(found.ledger.entries.values()):
            return Swept()
        known = (r for r in found.image.repositories if found.ledger.of(r))
        for repository in dict.fromkeys((next(known), *(d.repository for d in found.due))):
            await self.versions.require(repository)
        await self._save(found.image, found.ledger)
        gone: list[Loose] = []
        kept: dict[str, str] = {}
        try:
            for repository in dict.fromkeys(item.repository for item in found.due):
                items = [item for item in found.due if item.repository == repository]
                await self._delete(found.held[repository], items, gone, kept)
        finally:
            ledger = found.ledger
            for item in gone:
                ledger = ledger.without(item.repository, [item.digest])
            await self._save(found.image, ledger)
        return Swept(gone=tuple(gone), kept=kept)

    async def _delete(
        self, held: Holdings, items: list[Loose], gone: list[Loose], kept: dict[str, str]
    ) -> None:
        """Delete ``items`` but those that a name or the state has come to need meanwhile.

        An index that stays, for that reason or because the registry refuses, keeps its platforms
        and what is attached to it: it would be left without them.
        """
        state = self.state()
        named = await self._named_now(held.repository, items)
        held = await follow(
            self.registry, held, {*named, *state.roots.get(held.repository, frozenset())}
        )
        staying = dict.fromkeys(needed(held, named, state.digests), "needed again")
        for item in items:
            if item.digest in staying:
                kept[item.digest] = staying[item.digest]
                continue
            try:
                await self.versions.delete(held.repository, item.digest, item.tags)
            except (TroubleError, OciError) as error:
                kept[item.digest] = str(error)
                why = f"belongs to {item.digest}, which stays"
                staying = {**dict.fromkeys(needed(held, {item.digest}, ()), why), **staying}
            else:
                gone.append(item)

    async def _named_now(self, repository: Repository, items: list[Loose]) -> set[str]:
        going = {tag for item in items for tag in item.tags}
        listed = await self.registry.tags(repository)
        others = [tag for tag in listed.tags if tag not in going]

        async def head(tag: str) -> str | None:
            return await self.registry.head(repository, tag)

        moved = {tag: await head(tag) for tag in going}
        expected = {tag: item.digest for item in items for tag in item.tags}
        found = {d for t, d in moved.items() if d is not None and d != expected[t]}
        return found | {digest for digest in await each(head, others) if digest is not None}

    async def _hold(self, repository: Repository, ledger: Ledger, state: State) -> Holdings:
        if not (await self.registry.tags(repository)).known:
            return Holdings(repository=repository)
        also = {*ledger.of(repository), *state.roots.get(repository, ())}
        return await hold(self.registry, repository, also | await self.versions.listed(repository))

    def _foreign(self, public: Holdings) -> frozenset[str]:
        """Return the indexes of other owners: what those superseded is theirs to sweep.

        They may be in another stack's undo record, which this one's state does not tell.
        """
        nodes = public.nodes.values()
        return frozenset(n.digest for n in nodes if n.owner not in ("", self.owner))

    def _others(self, public: Holdings) -> frozenset[str]:
        """Return the platforms of another owner's indexes: its builds lie in the same workshop."""
        foreign = (public.nodes[digest] for digest in self._foreign(public))
        return frozenset(digest for node in foreign for digest in node.platforms)

    async def _save(self, image: Image, ledger: Ledger) -> None:
        await ledgers.save(self.registry, image.build, self.owner, ledger)


def _planned(held: Holdings, planned: frozenset[str]) -> set[str]:
    kept = {digest for tag, digest in held.tags.items() if tag in planned}
    return kept | set(held.ledgers.values())


def report(found: Found, days: int, swept: Swept | None) -> str:
    """Say what is loose and when it goes; ``swept`` is None in a dry run."""
    if not found.loose:
        return f"{found.image.public}: nothing is superseded"
    lines = [f"{found.image.public}: {len(found.loose)} superseded, kept for {days} days"]
    lines += [_line(item, swept) for item in found.loose]
    return "\n".join(lines)


def _line(item: Loose, swept: Swept | None) -> str:
    fate = f"goes on {item.goes}"
    if item.due:
        fate = "due: `make prune APPLY=1` deletes it"
    if swept is not None and item.due:
        reason = swept.kept.get(item.digest)
        fate = f"kept: {reason}" if reason else "deleted"
    named = f" ({', '.join(item.tags)})" if item.tags else ""
    return f"  {item.repository.name}@{item.digest}{named}: {fate}"
