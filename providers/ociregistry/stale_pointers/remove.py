"""Stale pointers, acting: removes what was listed, and what an image leaves behind."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from fleet.http.text import one_line
from fleet.registry.errors import AcceptedRemovalError, OciError, PartialRemovalError, UnlistedError
from fleet.registry.interface import Manifest, Registry
from fleet.registry.interruption import STOPPED, readable
from fleet.registry.manifest import OWNER_ANNOTATION, annotations_of, document_of
from fleet.registry.reference import TagReference
from fleet.registry.removal.distribution import NameRemover
from fleet.registry.removal.placeholder import stood_for
from fleet.registry.undo_log import Claim, Removal, UndoRecord
from providers.ociregistry.stale_pointers.model import Kept, Pointer, StaleInputs, live_pointers
from providers.ociregistry.stale_pointers.not_allowed import not_allowed_of, not_forgotten
from providers.ociregistry.stale_pointers.removability import Removability, RemovabilityCheck
from providers.ociregistry.stale_pointers.undo_entry import UndoEntryWriter


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The pointers that an update removed, or would remove, and those that it left, with reasons.

    `going` is that list less what it left, tag to the digest that each stands for; `tags` are all
    of the repository.
    """

    removed: tuple[Removal, ...] = ()
    kept: tuple[Kept, ...] = ()
    going: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    failure: OciError | None = None


@dataclass(frozen=True, kw_only=True)
class _Belongings:
    """Pointers that go with their remover (tag to manifest), and declared ones that stay."""

    going: Mapping[str, Manifest]
    kept: tuple[Kept, ...]


@dataclass(frozen=True, kw_only=True)
class _Removing:
    """The state of a removal of several tags: `tags` that are there, and those `removed`."""

    inputs: StaleInputs
    claim: Claim
    tags: set[str]
    removed: list[Removal]


class PointerRemover:
    """Removes pointers of a repository; `now` dates the removals (RFC 3339, UTC)."""

    def __init__(
        self, registry: Registry, remover: Callable[[str], NameRemover], now: Callable[[], str]
    ) -> None:
        self._registry = registry
        self._remover = remover
        self._removability = RemovabilityCheck(registry=registry)
        self.undo_entries = UndoEntryWriter(registry, remover, now)

    async def predict_stale(self, inputs: StaleInputs, remover: str) -> Outcome:
        """Return what `remove_stale` would do, without a write.

        :raises UndoRecordError: if the undo record can't be read.
        :raises RegistryError: if the tag list or a name can't be read.
        """
        elsewhere = await self._elsewhere(inputs, remover)
        tags = {*await self._tags(inputs), *inputs.pointers}
        going, kept = {}, {}
        for tag, digest in sorted(inputs.stale.items()):
            manifest, reason = await self._still(inputs, tag, digest, tags, elsewhere)
            if reason or manifest is None:
                kept[tag] = Kept(tag=tag, digest=digest, reason=reason)
            else:
                going[tag] = stood_for(manifest)
        return Outcome(kept=_sorted(kept), going=going, tags=tuple(sorted(tags)))

    async def remove_stale(self, inputs: StaleInputs, claim: Claim) -> Outcome:
        """Remove what was listed, still is what it was then, and no other remover declares.

        All of it, and the `claim` of this remover, is in the undo record of the registry before the
        first name goes; the record is read again before each. A failure stops the removals and
        comes with the outcome so far.
        """
        removed: list[Removal] = []
        kept: dict[str, Kept] = {}
        failure: OciError | None = None
        try:
            elsewhere = await self._elsewhere(inputs, claim.remover)
            # What is declared stands by now, whether or not the list shows it yet.
            tags = {*await self._tags(inputs), *inputs.pointers}
            going = await self._unmoved(inputs, elsewhere)
            await self.undo_entries.add(inputs, going, inputs.removed, claim)
            course = _Removing(inputs=inputs, claim=claim, tags=tags, removed=removed)
            for tag, digest in sorted(inputs.stale.items()):
                manifest, reason = await self._still(inputs, tag, digest, tags, elsewhere)
                if not reason and manifest is not None:
                    reason = await self._remove(course, tag, manifest)
                if reason:
                    kept[tag] = Kept(tag=tag, digest=digest, reason=reason)
        except STOPPED as error:
            failure = readable(error)
        return Outcome(removed=tuple(removed), kept=_sorted(kept), failure=failure)

    async def owned(self, inputs: StaleInputs, declared: frozenset[str]) -> dict[str, str]:
        """Return what `remove_owned` would remove, tag to the digest that it stands for.

        :raises RegistryError: if the tag list or a name can't be read.
        """
        found = await self._belongings(inputs, declared, await self._tags(inputs))
        return {tag: stood_for(manifest) for tag, manifest in found.going.items()}

    async def remove_owned(
        self,
        inputs: StaleInputs,
        declared: frozenset[str],
        say: Callable[[dict[str, str]], Awaitable[None]],
        remover: str,
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
        :raises UnlistedError: after the rest went, naming what `inputs.allowed` keeps.
        """
        tags = set(await self._tags(inputs))
        removed: list[Removal] = []
        disallowed: list[Kept] = []
        kept: list[Kept] = []
        claim = Claim(remover=remover, pointers=None)
        try:
            found = await self._belongings(inputs, declared, tags)
            tags |= found.going.keys()
            named = {tag: stood_for(manifest) for tag, manifest in found.going.items()}
            stays = not_allowed_of(inputs.repository, named, inputs.allowed)
            disallowed += stays.values()
            going = {tag: found.going[tag] for tag in found.going if tag not in stays}
            if going:
                await say({tag: named[tag] for tag in going})
            # Its own claim is there while a name of its own is to go, also in a lost record that is
            # written again: each look at it tells whether somebody wrote over it.
            own = Claim(remover=remover, pointers=tuple(sorted(inputs.pointers)))
            await self.undo_entries.add(inputs, going, inputs.removed, own if going else None)
            course = _Removing(inputs=inputs, claim=claim, tags=tags, removed=removed)
            kept += found.kept
            for tag, manifest in going.items():
                # Its version tag may have gone while others were removed.
                if not (reason := await self._stays(inputs, tag, manifest, tags)):
                    reason = await self._remove(course, tag, manifest)
                if reason:
                    kept.append(Kept(tag=tag, digest=manifest.digest, reason=reason))
            if not disallowed:
                await self.undo_entries.add(inputs, {}, claim=claim)
        except STOPPED as error:
            raise PartialRemovalError(_so_far(readable(error), removed)) from error
        if disallowed:
            unlisted = UnlistedError(not_forgotten(inputs.repository, disallowed))
            raise UnlistedError(_so_far(unlisted, removed))
        return Outcome(removed=tuple(removed), kept=tuple(kept))

    async def _elsewhere(self, inputs: StaleInputs, remover: str) -> dict[str, str]:
        """Return the pointers that other removers declare, each with the remover."""
        return _elsewhere(await self.undo_entries.record(inputs.repository, inputs.owner), remover)

    async def _unmoved(
        self, inputs: StaleInputs, elsewhere: Collection[str]
    ) -> dict[str, Manifest]:
        """Return what of the listed names still is what it was then, in a request for each."""
        tags = sorted(inputs.stale.keys() - inputs.pointers - {*elsewhere})
        found = await asyncio.gather(*(self._registry.get(inputs.repository, t) for t in tags))
        return {
            tag: manifest
            for tag, manifest in zip(tags, found, strict=True)
            if manifest is not None and manifest.digest == inputs.stale[tag]
        }

    async def _belongings(
        self, inputs: StaleInputs, declared: frozenset[str], tags: Collection[str]
    ) -> "_Belongings":
        # The list may be short or empty, and no later run would look for what it lacks.
        pointers = live_pointers({*tags, *inputs.pointers} - declared, inputs.grammar)
        checked = await asyncio.gather(
            *(self._removability.check(inputs, p, tags) for p in pointers)
        )
        going, kept = {}, []
        for pointer, found in zip(pointers, checked, strict=True):
            if found.manifest is None:
                continue
            reason = _not_ours(pointer, found.manifest, inputs)
            if found.unfinished or not (reason or _may_be_version(pointer, found, inputs)):
                if found.unfinished or _is_listed(pointer.tag, inputs):
                    going[pointer.tag] = found.manifest
                    continue
                reason = "the state does not list it"
                kept.append(Kept(tag=pointer.tag, digest=found.manifest.digest, reason=reason))
            elif pointer.tag in inputs.pointers:
                kept.append(Kept(tag=pointer.tag, digest=found.manifest.digest, reason=reason))
        return _Belongings(going=going, kept=tuple(kept))

    async def _stays(
        self, inputs: StaleInputs, tag: str, manifest: Manifest, tags: Collection[str]
    ) -> str:
        """Check a tag of ours again; return why it stays, or an empty string.

        One that is gone or names something else by now is for the removal, which looks last.
        """
        pointer = live_pointers([tag], inputs.grammar)[0]
        found = await self._removability.check(inputs, pointer, tags)
        if found.manifest is None or found.manifest.digest != manifest.digest:
            return ""
        return found.objection if _may_be_version(pointer, found, inputs) else ""

    async def _still(
        self,
        inputs: StaleInputs,
        tag: str,
        digest: str,
        tags: Collection[str],
        elsewhere: Mapping[str, str],
    ) -> tuple[Manifest | None, str]:
        """Return what a listed name stands for now, and why it stays; no reason: it is removed."""
        if tag in inputs.pointers:
            return None, "declared again"
        if tag in elsewhere:
            return None, _declared_by(elsewhere[tag])
        pointers = live_pointers([tag], inputs.grammar)
        if not pointers:
            return None, "no pointer by the grammar"
        found = await self._removability.check(inputs, pointers[0], tags)
        if found.manifest is None:
            return None, "already gone"
        if found.manifest.digest != digest:
            return found.manifest, f"moved since it was listed, to {found.manifest.digest}"
        return found.manifest, found.objection

    async def _remove(self, course: _Removing, tag: str, manifest: Manifest) -> str:
        """Remove a name, or return why it stays.

        The order is: our record, what others declare, the tag, the removal. Who declares the name
        after that finds it on record; who wrote over our record stops this.
        """
        inputs, claim, tags = course.inputs, course.claim, course.tags
        ref = TagReference(repository=inputs.repository, tag=tag)
        others = frozenset(tags - {tag})
        gone = self.undo_entries.removals({tag: manifest})
        await self.undo_entries.add(inputs, {tag: manifest})
        record = await self.undo_entries.confirm(inputs, gone, claim)
        if other := _elsewhere(record, claim.remover).get(tag):
            return _declared_by(other)
        try:
            was_there = await self._remover(inputs.repository.host).remove(ref, manifest, others)
        except AcceptedRemovalError:
            course.removed.extend(gone)
            raise
        tags.discard(tag)
        course.removed.extend(gone if was_there else ())
        return ""

    async def _tags(self, inputs: StaleInputs) -> tuple[str, ...]:
        return (await self._registry.tags(inputs.repository)).tags


def _elsewhere(record: UndoRecord, remover: str) -> dict[str, str]:
    return {tag: name for name, tags in record.others(remover).items() for tag in tags}


def _declared_by(remover: str) -> str:
    return f"declared by {one_line(remover)}"


def _sorted(kept: Mapping[str, Kept]) -> tuple[Kept, ...]:
    return tuple(kept[tag] for tag in sorted(kept))


def _not_ours(pointer: Pointer, manifest: Manifest, inputs: StaleInputs) -> str:
    """Say why a name is none of ours, or return an empty string."""
    owner = annotations_of(document_of(manifest, pointer.tag)).get(OWNER_ANNOTATION, "")
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


def _so_far(error: OciError, removed: list[Removal]) -> str:
    names = ", ".join(f"{r.tag} ({r.digest})" for r in removed)
    return f"{error}; removed before that: {names or 'nothing'}"
