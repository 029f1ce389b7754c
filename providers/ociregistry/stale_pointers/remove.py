"""Stale pointers, acting: removes what was listed, and what an image leaves behind."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from fleet.http.text import one_line
from fleet.registry.client import Client
from fleet.registry.errors import (
    AcceptedRemovalError,
    OciError,
    PartialRemovalError,
    UnlistedError,
    continued,
)
from fleet.registry.history import Sights
from fleet.registry.interruption import STOPPED, readable
from fleet.registry.manifest import Manifest
from fleet.registry.reference import Repository
from fleet.registry.removal.ghcr import NameRemover
from fleet.registry.removal.placeholder import displaced_by, is_placeholder, stood_for
from fleet.registry.undo_log import Claim, Removal, UndoRecord
from fleet.registry.undo_writer import UndoWriter
from providers.ociregistry.stale_pointers.allow_list import Allowed, not_allowed_of, still_there
from providers.ociregistry.stale_pointers.model import Kept, StaleInputs
from providers.ociregistry.stale_pointers.removability import Removability, check
from providers.ociregistry.tag.reader import owner_of


@dataclass(kw_only=True)
class Outcome:
    """A removal of several pointers, and what became of it so far.

    `tags` are all of the repository that are there. `going` are the pointers to be removed, with
    what they name, `kept` those that are left, with reasons.
    """

    inputs: StaleInputs
    claim: Claim
    tags: set[str] = field(default_factory=set)
    going: dict[str, Manifest] = field(default_factory=dict)
    removed: list[Removal] = field(default_factory=list)
    kept: dict[str, Kept] = field(default_factory=dict)
    failure: OciError | None = None

    def keep(self, tag: str, digest: str, reason: str) -> None:
        """Leave a pointer as it is."""
        self.kept[tag] = Kept(tag=tag, digest=digest, reason=reason)

    @property
    def named(self) -> dict[str, str]:
        """The pointers to be removed, each with the digest that it stands for."""
        return {tag: stood_for(manifest) for tag, manifest in self.going.items()}


class PointerRemover:
    """Removes pointers of a repository, each of which is in the undo record before.

    `now` dates the removals (RFC 3339, UTC) where the registry tells no time.
    """

    def __init__(
        self, registry: Client, remover: Callable[[str], NameRemover], now: Callable[[], str]
    ) -> None:
        self._registry = registry
        self._remover = remover
        self._now = now
        self._undo = UndoWriter(registry)
        self._dates: dict[Repository, str] = {}
        """The registry's time of the last list of tags, of the same clock as all moves."""

    async def record(self, repository: Repository, owner: str) -> UndoRecord:
        """Return what is on record, see `UndoWriter.read`."""
        return await self._undo.read(repository, owner)

    async def note(
        self,
        inputs: StaleInputs,
        going: Mapping[str, Manifest],
        gone: Collection[Removal] = (),
        claim: Claim | None = None,
        sights: Sights | None = None,
    ) -> None:
        """Have in the record what is `going`, the `claim`, and what of `gone` is not, in one write.

        What moved by the `sights` of the run is entered with it.

        :raises UnsupportedRemovalError: if it is plain that nothing can go; nothing was written.
        :raises UndoRecordError: if the record can't be read or written.
        """
        removals = self._removals(inputs.repository, going)
        if removals:
            ref = inputs.ref(removals[0].tag)
            await self._remover(inputs.repository.host).require(ref)
        if removals or gone or claim:
            await self._undo.add(*inputs.recorded_by, removals, gone, claim, sights=sights)

    async def predict_stale(self, inputs: StaleInputs, remover: str, record: UndoRecord) -> Outcome:
        """Return what `remove_stale` would do, without a write, by the undo record.

        :raises RegistryError: if the tag list or a name can't be read.
        """
        course = Outcome(inputs=inputs, claim=Claim(remover=remover, pointers=None))
        if inputs.stale:
            await self._find_stale(course, _elsewhere(record, remover))
        return course

    async def remove_stale(self, inputs: StaleInputs, claim: Claim, sights: Sights) -> Outcome:
        """Remove what was listed, still is what it was then, and no other remover declares.

        All of it, the `claim` of this remover, and what moved by `sights`, is in the undo record of
        the registry before the first name goes; the record is read again before each. A failure
        stops the removals and comes with the outcome so far.
        """
        course = Outcome(inputs=inputs, claim=claim)
        if not inputs.stale:
            await self.note(inputs, {}, inputs.removed, claim, sights)
            return course
        try:
            elsewhere = _elsewhere(await self.record(*inputs.recorded_by), claim.remover)
            await self._find_stale(course, elsewhere)
            await self.note(inputs, course.going, inputs.removed, claim, sights)
            for tag, manifest in course.going.items():
                _, reason = await self._still(course, tag, elsewhere)
                await self._remove(course, tag, manifest, reason)
        except STOPPED as error:
            course.failure = readable(error)
        return course

    async def owned(self, inputs: StaleInputs) -> dict[str, str]:
        """Return what `remove_owned` would remove, tag to the digest that it stands for.

        :raises RegistryError: if the tag list or a name can't be read.
        """
        course = Outcome(inputs=inputs, claim=Claim(remover="", pointers=None))
        await self._find_owned(course, await self._tags(inputs), frozenset())
        return course.named

    async def remove_owned(
        self,
        inputs: StaleInputs,
        declared: frozenset[str],
        say: Callable[[dict[str, str]], Awaitable[None]],
        remover: str,
        allowed: Allowed,
    ) -> Outcome:
        """Remove our own pointers, but none of `declared`: nothing of us is left behind.

        Those that the state declared are asked for even where the tag list lacks them.

        Ours are those that carry our owner annotation, if they surely are pointers, and those
        without an annotation that the state declared and that name what it recorded. Others that
        it declared stay, with the reason for each.

        They and what the state says was removed before are in the undo record of the registry
        before the first name goes, for no state has them any more; the record is read again before
        each. `say` is called before that, with tag and digest of each. What the remover itself
        declares leaves the record last.

        :raises UnreachableError: if the tag list can't be read, before anything was removed.
        :raises PartialRemovalError: naming what went before the failure.
        :raises UnlistedError: after the rest went, naming what is not `allowed`.
        """
        claim = Claim(remover=remover, pointers=None)
        course, tags = Outcome(inputs=inputs, claim=claim), await self._tags(inputs)
        disallowed: Mapping[str, Kept] = {}
        try:
            await self._find_owned(course, tags, declared)
            disallowed = not_allowed_of(inputs.repository, course.named, allowed)
            for tag in disallowed:
                del course.going[tag]
            if course.going:
                await say(course.named)
            # Its own claim is there while a name of its own is to go, also in a lost record that is
            # written again: each look at it tells whether somebody wrote over it.
            own = Claim(remover=remover, pointers=tuple(sorted(inputs.pointers)))
            await self.note(inputs, course.going, inputs.removed, own if course.going else None)
            for tag, manifest in course.going.items():
                # Its version tag may have gone while others were removed.
                await self._remove(course, tag, manifest, await self._stays(course, tag, manifest))
            if not disallowed:
                await self.note(inputs, {}, claim=claim)
        except STOPPED as error:
            raise PartialRemovalError(_so_far(readable(error), course.removed)) from error
        if disallowed:
            # The engine forgets a resource whose deletion succeeds, and nobody would list these.
            text = still_there(inputs.repository, disallowed.values())
            text += ". Until then their remover stays in the state"
            raise UnlistedError(_so_far(text, course.removed))
        return course

    async def _find_stale(self, course: Outcome, elsewhere: Mapping[str, str]) -> None:
        """Find what of the listed names is to go; the rest is kept."""
        inputs = course.inputs
        # What is declared stands by now, whether or not the list shows it yet.
        course.tags = {*await self._tags(inputs), *inputs.pointers}
        for tag, digest in sorted(inputs.stale.items()):
            manifest, reason = await self._still(course, tag, elsewhere)
            if reason or manifest is None:
                course.keep(tag, digest, reason)
            else:
                course.going[tag] = manifest

    async def _find_owned(
        self, course: Outcome, tags: Collection[str], declared: frozenset[str]
    ) -> None:
        """Find what goes with its remover; what that declares and stays is kept."""
        inputs = course.inputs
        # The list may be short or empty, and no later run would look for what it lacks.
        pointers = inputs.pointers_among({*tags, *inputs.pointers} - declared)
        checks = (check(self._registry, inputs, tag, tags) for tag in pointers)
        for tag, found in zip(pointers, await asyncio.gather(*checks), strict=True):
            if found is None:
                continue
            reason = "" if found.unfinished else _not_ours(tag, found.manifest, inputs)
            if not (reason or _may_be_version(tag, found, inputs)):
                if (
                    found.unfinished
                    or inputs.listed is None
                    or tag in inputs.listed | inputs.pointers
                ):
                    course.going[tag] = found.manifest
                else:
                    course.keep(tag, found.manifest.digest, "the state does not list it")
            elif tag in inputs.pointers:
                course.keep(tag, found.manifest.digest, reason)
        course.tags = {*tags, *course.going}

    async def _stays(self, course: Outcome, tag: str, manifest: Manifest) -> str:
        """Check a tag of ours again; return why it stays, or an empty string.

        One that is gone or names something else by now is for the removal, which looks last.
        """
        found = await check(self._registry, course.inputs, tag, course.tags)
        if found is None or found.manifest.digest != manifest.digest:
            return ""
        return found.objection if _may_be_version(tag, found, course.inputs) else ""

    async def _still(
        self, course: Outcome, tag: str, elsewhere: Mapping[str, str]
    ) -> tuple[Manifest | None, str]:
        """Return what a listed name stands for now, and why it stays; no reason: it is removed."""
        if tag in elsewhere:
            return None, _declared_by(elsewhere[tag])
        found = await check(self._registry, course.inputs, tag, course.tags)
        if found is None:
            return None, "already gone"
        if found.manifest.digest != course.inputs.stale[tag]:
            return None, f"moved since it was listed, to {found.manifest.digest}"
        return found.manifest, found.objection

    async def _remove(self, course: Outcome, tag: str, manifest: Manifest, reason: str) -> None:
        """Remove a name that is on record, unless there is a `reason` to keep it.

        The order is: our record, what others declare, the tag, the removal. Who declares the name
        after that finds it on record; who wrote over our record stops this.
        """
        inputs, claim = course.inputs, course.claim
        gone = self._removals(inputs.repository, {tag: manifest})
        if not reason:
            record = await self._undo.confirm(*inputs.recorded_by, gone, claim)
            other = _elsewhere(record, claim.remover).get(tag)
            reason = _declared_by(other) if other else ""
        if reason:
            course.keep(tag, manifest.digest, reason)
            return
        ref, others = inputs.ref(tag), course.tags - {tag}
        try:
            remover = self._remover(inputs.repository.host)
            was_there = await remover.remove(ref, manifest, frozenset(others))
        except AcceptedRemovalError:
            course.removed.extend(gone)
            raise
        course.tags.discard(tag)
        course.removed.extend(gone if was_there else ())

    def _removals(self, place: Repository, going: Mapping[str, Manifest]) -> list[Removal]:
        """Return the record of each name, but of one whose image nobody knows any more."""
        found = {
            tag: displaced_by(manifest) if is_placeholder(manifest) else manifest.digest
            for tag, manifest in going.items()
        }
        now = self._dates.get(place) or self._now()
        return [Removal(tag=tag, digest=d, removed_at=now) for tag, d in found.items() if d]

    async def _tags(self, inputs: StaleInputs) -> tuple[str, ...]:
        listed = await self._registry.tags(inputs.repository)
        self._dates[inputs.repository] = listed.date
        return listed.tags


def _elsewhere(record: UndoRecord, remover: str) -> dict[str, str]:
    return {tag: name for name, tags in record.others(remover).items() for tag in tags}


def _declared_by(remover: str) -> str:
    return f"declared by {one_line(remover)}"


def _not_ours(tag: str, manifest: Manifest, inputs: StaleInputs) -> str:
    """Say why a name is none of ours, or return an empty string."""
    owner = owner_of(manifest, tag)
    if owner == inputs.owner:
        return ""
    if owner:
        return f"it is owned by {one_line(owner)}"
    recorded = inputs.recorded.get(tag, frozenset())
    if tag in inputs.pointers and manifest.digest in recorded:
        return ""
    return (
        "nobody's annotation is on it, and the state recorded "
        f"{' and '.join(sorted(recorded)) or 'no digest'} for it"
    )


def _may_be_version(tag: str, found: Removability, inputs: StaleInputs) -> bool:
    return bool(found.objection) and tag not in inputs.pointers


def _so_far(error: OciError | str, removed: list[Removal]) -> str:
    names = ", ".join(f"{r.tag} ({r.digest})" for r in removed)
    return continued(error, f"; removed before that: {names or 'nothing'}")
