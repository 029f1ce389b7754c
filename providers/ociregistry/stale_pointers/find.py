"""Live pointers of a repository, by its registry, as a refresh records them."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from fleet.registry.clock import disagreement
from fleet.registry.interface import Registry
from fleet.registry.reference import TagReference
from fleet.registry.removal.placeholder import stood_for
from providers.ociregistry.stale_pointers.model import (
    Pointer,
    StaleInputs,
    View,
    live_pointers,
    policy_of,
)
from providers.ociregistry.stale_pointers.removability import Removability, RemovabilityCheck

NOT_LISTED = "the registry does not list it just now"

Digest = Callable[[TagReference], Awaitable[str | None]]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A `View` of a repository with all of its tags.

    `untimed` says why the grace of pointers could not be counted, empty where it was or none has
    any.
    """

    view: View
    tags: tuple[str, ...] = ()
    untimed: str = ""


class Lister:
    """Looks at the pointers of a repository.

    `digest` tells what a tag names; `now` is this machine's time (RFC 3339, UTC), which
    the registry's must agree with before any grace ends or begins.
    """

    def __init__(self, registry: Registry, digest: Digest, now: Callable[[], str]) -> None:
        self._registry = registry
        self._digest = digest
        self._removability = RemovabilityCheck(registry=registry)
        self._now = now

    async def listing(self, inputs: StaleInputs, known: View) -> Listing:
        """Look at every live pointer, with the objections to the removal of undeclared ones.

        Only what the registry lists and still names is live: an empty, null or missing tag list
        makes nothing stale. A name with a date in `known` keeps it as long as it answers, also
        where the list lacks it, because a list may be out of date. One that the policy keeps is
        read whole only where its digest is a new one: a removal that was interrupted shows there.

        :raises RegistryError: if the list cannot be read whole, or a name can't be read.
        """
        listed = await self._registry.tags(inputs.repository)
        pointers = live_pointers({*listed.tags, *known.stale_since}, inputs.grammar)
        seen = await asyncio.gather(
            *(self._look(inputs, pointer, listed.tags, known) for pointer in pointers)
        )
        trouble = disagreement(listed.date, self._now())
        found = _Findings(
            inputs=inputs,
            known=known,
            listed=listed.tags,
            today=known.read_on if trouble else listed.date[: len("2026-11-23")],
            trouble=trouble,
        )
        for pointer, answer in zip(pointers, seen, strict=True):
            if answer is not None:
                found.add(pointer, *answer)
        return Listing(view=found.view, tags=listed.tags, untimed=found.untimed)

    async def _look(
        self, inputs: StaleInputs, pointer: Pointer, tags: Collection[str], known: View
    ) -> tuple[str, Removability | None] | None:
        """Return what a pointer names, and whether it may be removed where that was asked."""
        declared = pointer.tag in inputs.pointers
        if not declared and policy_of(pointer, inputs).removes:
            return _seen(await self._removability.check(inputs, pointer, tags))
        digest = await self._digest(TagReference(repository=inputs.repository, tag=pointer.tag))
        if digest is None:
            return None
        before = known.live.get(pointer.tag)
        usual = before == digest and pointer.tag not in known.interrupted
        # A declared one that moved may be an interrupted removal, which its image's end finishes.
        if usual or (declared and before is None):
            return digest, None
        return _seen(await self._removability.look(inputs, pointer))


def _seen(removability: Removability) -> tuple[str, Removability] | None:
    return None if removability.manifest is None else (removability.manifest.digest, removability)


@dataclass(frozen=True, kw_only=True)
class _Findings:
    """Gathers a view, one pointer at a time."""

    inputs: StaleInputs
    known: View
    listed: Collection[str]
    today: str
    trouble: str
    live: dict[str, str] = field(default_factory=dict)
    interrupted: dict[str, str] = field(default_factory=dict)
    objections: dict[str, str] = field(default_factory=dict)
    since: dict[str, str] = field(default_factory=dict)

    @property
    def untimed(self) -> str:
        """Why the grace of a pointer was not counted, empty where none was concerned."""
        reason = _untimed(self.trouble)
        return reason if reason in self.objections.values() else ""

    @property
    def view(self) -> View:
        return View(
            live=self.live,
            interrupted=self.interrupted,
            objections=self.objections,
            stale_since=self.since,
            read_on=self.today,
        )

    def add(self, pointer: Pointer, digest: str, removability: Removability | None) -> None:
        tag = pointer.tag
        self.live[tag] = digest
        unfinished = removability is not None and removability.unfinished
        if removability is not None and removability.manifest is not None and unfinished:
            self.interrupted[tag] = stood_for(removability.manifest)
        if tag in self.inputs.pointers:
            return
        days = policy_of(pointer, self.inputs).days
        objection = removability.objection if removability is not None else ""
        if tag not in self.listed:
            objection = objection or NOT_LISTED
        if self.trouble and days and not unfinished:
            objection = objection or _untimed(self.trouble)
        if objection:
            self.objections[tag] = objection
        dated = self.known.stale_since.get(tag, "")
        # What is finished now needs no date; one that it has already outlives a failure.
        if days and (dated or not (objection or unfinished)):
            self.since[tag] = dated or self.today


def _untimed(trouble: str) -> str:
    return f"its grace is not counted, for {trouble}; correct the clock that is wrong"
