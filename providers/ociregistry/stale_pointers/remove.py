"""Stale pointers, acting: removes what was listed, and what an image leaves behind."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from fleet.http.text import one_line
from fleet.registry.client import Client
from fleet.registry.errors import AcceptedRemovalError, OciError, PartialRemovalError, UnlistedError
from fleet.registry.interruption import STOPPED, readable
from fleet.registry.manifest import Manifest
from fleet.registry.reference import Repository, TagReference
from fleet.registry.removal.distribution import NameRemover
from fleet.registry.removal.placeholder import displaced_by, is_placeholder, stood_for
from fleet.registry.undo_log import Claim, Removal, UndoRecord
from fleet.registry.undo_writer import UndoWriter
from providers.ociregistry.stale_pointers.allow_list import (
    EVERYTHING,
    Allowed,
    not_allowed_of,
    not_forgotten,
)
from providers.ociregistry.stale_pointers.model import Kept, Pointer, StaleInputs, live_pointers
from providers.ociregistry.stale_pointers.removability import Removability, RemovabilityCheck
from providers.ociregistry.tag.reader import owner_of


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The pointers that an update removed, or would remove, and those that it left, with reasons.

    `going` is that list less what it left, tag to the digest that each stands for; `tags` are all
    of the repository, `removers` those that the undo record has.
    """

    removed: tuple[Removal, ...] = ()
    kept: tuple[Kept, ...] = ()
    going: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    removers: tuple[str, ...] = ()
    failure: OciError | None = None


@dataclass(frozen=True, kw_only=True)
class _Course:
    """A removal of several tags: all `tags` that are there, those `removed`, those `kept`."""

    inputs: StaleInputs
    claim: Claim
    tags: set[str]
    removed: list[Removal] = field(default_factory=list)
    kept: dict[str, Kept] = field(default_factory=dict)

    def keep(self, tag: str, digest: str, reason: str) -> None:
        self.kept[tag] = Kept(tag=tag, digest=digest, reason=reason)

    @property
    def all_kept(self) -> tuple[Kept, ...]:
        return tuple(self.kept[tag] for tag in sorted(self.kept))


class PointerRemover:
    """Removes pointers of a repository, each of which is in the undo record before.

    `now` dates the removals (RFC 3339, UTC).
    """

    def __init__(
        self, registry: Client, remover: Callable[[str], NameRemover], now: Callable[[], str]
    ) -> None:
        self._registry = registry
        self._remover = remover
        self._now = now
        self._undo = UndoWriter(registry)
        self._removability = RemovabilityCheck(registry=registry)

    async def record(self, repository: Repository, owner: str) -> UndoRecord:
        """Return what is on record, see `UndoWriter.read`."""
        return await self._undo.read(repository, owner)

    async def note(
        self,
        inputs: StaleInputs,
        going: Mapping[str, Manifest],
        gone: Collection[Removal] = (),
        claim: Claim | None = None,
    ) -> None:
        """Have in the record what is `going`, the `claim`, and what of `gone` is not, in one write.

        What this process wrote before costs no request, but for a claim.

        :raises UnsupportedRemovalError: if it is plain that nothing can go; nothing was written.
        :raises UndoRecordError: if the record can't be read or written.
        """
        fresh = self._undo.unwritten(inputs.repository, self._removals(going))
        if fresh:
            ref = TagReference(repository=inputs.repository, tag=fresh[0].tag)
            await self._remover(inputs.repository.host).require(ref)
        await self._undo.add(inputs.repository, inputs.owner, fresh, gone, claim)

    async def predict_stale(self, inputs: StaleInputs, remover: str) -> Outcome:
        """Return what `remove_stale` would do, without a write.

        :raises UndoRecordError: if the undo record can't be read.
        :raises RegistryError: if the tag list or a name can't be read.
        """
        claim = Claim(remover=remover, pointers=None)
        record = await self.record(inputs.repository, inputs.owner)
        removers = tuple(sorted(record.declared))
        if not inputs.stale:
            return Outcome(removers=removers)
        course = _Course(inputs=inputs, claim=claim, tags=await self._standing(inputs))
        found = await self._removable(course, _elsewhere(record, remover))
        going = {tag: stood_for(manifest) for tag, manifest in found.items()}
        tags = tuple(sorted(course.tags))
        return Outcome(kept=course.all_kept, going=going, tags=tags, removers=removers)

    async def remove_stale(self, inputs: StaleInputs, claim: Claim) -> Outcome:
        """Remove what was listed, still is what it was then, and no other remover declares.

        All of it, and the `claim` of this remover, is in the undo record of the registry before the
        first name goes; the record is read again before each. A failure stops the removals and
        comes with the outcome so far.
        """
        if not inputs.stale:
            await self.note(inputs, {}, inputs.removed, claim)
            return Outcome()
        course = _Course(inputs=inputs, claim=claim, tags=set())
        failure: OciError | None = None
        try:
            record = await self.record(inputs.repository, inputs.owner)
            course.tags.update(await self._standing(inputs))
            elsewhere = _elsewhere(record, claim.remover)
            going = await self._removable(course, elsewhere)
            await self.note(inputs, going, inputs.removed, claim)
            for tag, manifest in going.items():
                _, reason = await self._still(course, tag, elsewhere)
                await self._remove(course, tag, manifest, reason)
        except STOPPED as error:
            failure = readable(error)
        return Outcome(removed=tuple(course.removed), kept=course.all_kept, failure=failure)

    async def owned(self, inputs: StaleInputs) -> dict[str, str]:
        """Return what `remove_owned` would remove, tag to the digest that it stands for.

        :raises RegistryError: if the tag list or a name can't be read.
        """
        claim = Claim(remover="", pointers=None)
        course = _Course(inputs=inputs, claim=claim, tags=set(await self._tags(inputs)))
        found = await self._owned(course, frozenset())
        return {tag: stood_for(manifest) for tag, manifest in found.items()}

    async def remove_owned(
        self,
        inputs: StaleInputs,
        declared: frozenset[str],
        say: Callable[[dict[str, str]], Awaitable[None]],
        remover: str,
        allowed: Allowed = EVERYTHING,
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
        course = _Course(inputs=inputs, claim=claim, tags=set(await self._tags(inputs)))
        disallowed: Mapping[str, Kept] = {}
        try:
            found = await self._owned(course, declared)
            course.tags.update(found)
            named = {tag: stood_for(manifest) for tag, manifest in found.items()}
            disallowed = not_allowed_of(inputs.repository, named, allowed)
            going = {tag: found[tag] for tag in found if tag not in disallowed}
            if going:
                await say({tag: named[tag] for tag in going})
            # Its own claim is there while a name of its own is to go, also in a lost record that is
            # written again: each look at it tells whether somebody wrote over it.
            own = Claim(remover=remover, pointers=tuple(sorted(inputs.pointers)))
            await self.note(inputs, going, inputs.removed, own if going else None)
            for tag, manifest in going.items():
                # Its version tag may have gone while others were removed.
                reason = await self._stays(course, tag, manifest)
                await self._remove(course, tag, manifest, reason)
            if not disallowed:
                await self.note(inputs, {}, claim=claim)
        except STOPPED as error:
            raise PartialRemovalError(_so_far(readable(error), course.removed)) from error
        if disallowed:
            unlisted = not_forgotten(inputs.repository, disallowed.values())
            raise UnlistedError(_so_far(unlisted, course.removed))
        return Outcome(removed=tuple(course.removed), kept=course.all_kept)

    async def _standing(self, inputs: StaleInputs) -> set[str]:
        # What is declared stands by now, whether or not the list shows it yet.
        return {*await self._tags(inputs), *inputs.pointers}

    async def _removable(
        self, course: _Course, elsewhere: Mapping[str, str]
    ) -> dict[str, Manifest]:
        """Return what of the listed names is to go, sorted; the rest is kept."""
        going = {}
        for tag, digest in sorted(course.inputs.stale.items()):
            manifest, reason = await self._still(course, tag, elsewhere)
            if reason or manifest is None:
                course.keep(tag, digest, reason)
            else:
                going[tag] = manifest
        return going

    async def _owned(self, course: _Course, declared: frozenset[str]) -> dict[str, Manifest]:
        """Return what goes with its remover; what it declares and stays is kept."""
        inputs = course.inputs
        # The list may be short or empty, and no later run would look for what it lacks.
        pointers = live_pointers({*course.tags, *inputs.pointers} - declared, inputs.grammar)
        checked = await asyncio.gather(
            *(self._removability.check(inputs, p, course.tags) for p in pointers)
        )
        going = {}
        for pointer, found in zip(pointers, checked, strict=True):
            if found.manifest is None:
                continue
            reason = _not_ours(pointer, found.manifest, inputs)
            if found.unfinished or not (reason or _may_be_version(pointer, found, inputs)):
                if found.unfinished or _is_listed(pointer.tag, inputs):
                    going[pointer.tag] = found.manifest
                else:
                    course.keep(pointer.tag, found.manifest.digest, "the state does not list it")
            elif pointer.tag in inputs.pointers:
                course.keep(pointer.tag, found.manifest.digest, reason)
        return going

    async def _stays(self, course: _Course, tag: str, manifest: Manifest) -> str:
        """Check a tag of ours again; return why it stays, or an empty string.

        One that is gone or names something else by now is for the removal, which looks last.
        """
        pointer = live_pointers([tag], course.inputs.grammar)[0]
        found = await self._removability.check(course.inputs, pointer, course.tags)
        if found.manifest is None or found.manifest.digest != manifest.digest:
            return ""
        return found.objection if _may_be_version(pointer, found, course.inputs) else ""

    async def _still(
        self, course: _Course, tag: str, elsewhere: Mapping[str, str]
    ) -> tuple[Manifest | None, str]:
        """Return what a listed name stands for now, and why it stays; no reason: it is removed."""
        inputs = course.inputs
        if tag in inputs.pointers:
            return None, "declared again"
        if tag in elsewhere:
            return None, _declared_by(elsewhere[tag])
        pointers = live_pointers([tag], inputs.grammar)
        if not pointers:
            return None, "no pointer by the grammar"
        found = await self._removability.check(inputs, pointers[0], course.tags)
        if found.manifest is None:
            return None, "already gone"
        if found.manifest.digest != inputs.stale[tag]:
            return None, f"moved since it was listed, to {found.manifest.digest}"
        return found.manifest, found.objection

    async def _remove(self, course: _Course, tag: str, manifest: Manifest, reason: str) -> None:
        """Remove a name that is on record, unless there is a `reason` to keep it.

        The order is: our record, what others declare, the tag, the removal. Who declares the name
        after that finds it on record; who wrote over our record stops this.
        """
        inputs, claim, gone = course.inputs, course.claim, self._removals({tag: manifest})
        if not reason:
            record = await self._undo.confirm(inputs.repository, inputs.owner, gone, claim)
            other = _elsewhere(record, claim.remover).get(tag)
            reason = _declared_by(other) if other else ""
        if reason:
            course.keep(tag, manifest.digest, reason)
            return
        ref, others = TagReference(repository=inputs.repository, tag=tag), course.tags - {tag}
        try:
            remover = self._remover(inputs.repository.host)
            was_there = await remover.remove(ref, manifest, frozenset(others))
        except AcceptedRemovalError:
            course.removed.extend(gone)
            raise
        course.tags.discard(tag)
        course.removed.extend(gone if was_there else ())

    def _removals(self, going: Mapping[str, Manifest]) -> list[Removal]:
        """Return the record of each name, but of one whose image nobody knows any more."""
        found = {
            tag: displaced_by(manifest) if is_placeholder(manifest) else manifest.digest
            for tag, manifest in going.items()
        }
        now = self._now()
        return [Removal(tag=tag, digest=d, removed_at=now) for tag, d in found.items() if d]

    async def _tags(self, inputs: StaleInputs) -> tuple[str, ...]:
        return (await self._registry.tags(inputs.repository)).tags


def _elsewhere(record: UndoRecord, remover: str) -> dict[str, str]:
    return {tag: name for name, tags in record.others(remover).items() for tag in tags}


def _declared_by(remover: str) -> str:
    return f"declared by {one_line(remover)}"


def _not_ours(pointer: Pointer, manifest: Manifest, inputs: StaleInputs) -> str:
    """Say why a name is none of ours, or return an empty string."""
    owner = owner_of(manifest, pointer.tag)
    if owner == inputs.owner:
        return ""
    if owner:
        return f"it is owned by {one_line(owner)}"
    recorded = inputs.recorded.get(pointer.tag, frozenset())
    if pointer.tag in inputs.pointers and manifest.digest in recorded:
        return ""
    return (
        "nobody's annotation is on it, and the state recorded "
        f"{' and '.join(sorted(recorded)) or 'no digest'} for it"
    )


def _is_listed(tag: str, inputs: StaleInputs) -> bool:
    return inputs.listed is None or tag in inputs.listed or tag in inputs.pointers


def _may_be_version(pointer: Pointer, found: Removability, inputs: StaleInputs) -> bool:
    return bool(found.objection) and pointer.tag not in inputs.pointers


def _so_far(error: OciError | str, removed: list[Removal]) -> str:
    names = ", ".join(f"{r.tag} ({r.digest})" for r in removed)
    return f"{error}; removed before that: {names or 'nothing'}"
