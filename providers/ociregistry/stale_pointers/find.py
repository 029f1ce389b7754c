"""Live pointers of a repository, by its registry, as a refresh records them."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

from fleet.registry.client import Client
from fleet.registry.clock import disagreement
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

UNTIMED = "its grace is not counted, for "
"""The beginning of the objection to a pointer whose grace could not be counted."""


class Lister:
    """Looks at the pointers of a repository.

    `digest` tells what a tag names; `now` is this machine's time (RFC 3339, UTC), which
    the registry's must agree with before any grace ends or begins.
    """

    def __init__(self, registry: Client, digest: Digest, now: Callable[[], str]) -> None:
        self._registry = registry
        self._digest = digest
        self._removability = RemovabilityCheck(registry=registry)
        self._now = now

    async def listing(self, inputs: StaleInputs, known: View) -> View:
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
        read_on = known.read_on if trouble else listed.date[: len("2026-11-23")]
        untimed = f"{UNTIMED}{trouble}; correct the clock that is wrong" if trouble else ""
        live: dict[str, str] = {}
        objections, interrupted, since = dict(live), dict(live), dict(live)
        for pointer, answer in zip(pointers, seen, strict=True):
            if answer is None:
                continue
            tag, (digest, found) = pointer.tag, answer
            live[tag] = digest
            if found.unfinished and found.manifest is not None:
                interrupted[tag] = stood_for(found.manifest)
            if tag in inputs.pointers:
                continue
            days, dated = policy_of(pointer, inputs).days, known.stale_since.get(tag, "")
            objection = found.objection or ("" if tag in listed.tags else NOT_LISTED)
            if days and not found.unfinished:
                objection = objection or untimed
            if objection:
                objections[tag] = objection
            # What is finished now needs no date; one that it has already outlives a failure.
            if days and (dated or not (objection or found.unfinished)):
                since[tag] = dated or read_on
        return View(
            live=live,
            objections=objections,
            interrupted=interrupted,
            stale_since=since,
            read_on=read_on,
        )

    async def _look(
        self, inputs: StaleInputs, pointer: Pointer, tags: Collection[str], known: View
    ) -> tuple[str, Removability] | None:
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
            return digest, Removability(manifest=None)
        return _seen(await self._removability.look(inputs, pointer))


def _seen(found: Removability) -> tuple[str, Removability] | None:
    return None if found.manifest is None else (found.manifest.digest, found)
