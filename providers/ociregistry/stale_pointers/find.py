"""Live pointers of a repository, by its registry, as a refresh records them."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import NamedTuple

from fleet.registry.client import Client
from fleet.registry.clock import disagreement
from fleet.registry.reference import TagReference
from fleet.registry.removal.placeholder import stood_for
from providers.ociregistry.stale_pointers.model import StaleInputs, View
from providers.ociregistry.stale_pointers.removability import check, look

UNTIMED = "its grace is not counted, for "
"""The beginning of the objection to a pointer whose grace could not be counted."""
_NOT_LISTED = "the registry does not list it just now"


class _Seen(NamedTuple):
    """The manifest of a tag, what it stands for in an interrupted removal, and why it must stay."""

    digest: str
    interrupted: str = ""
    objection: str = ""


class Lister:
    """Looks at the pointers of a repository.

    `digest` tells what a tag names; `now` is this machine's time (RFC 3339, UTC), which
    the registry's must agree with before any grace ends or begins.
    """

    def __init__(
        self,
        registry: Client,
        digest: Callable[[TagReference], Awaitable[str | None]],
        now: Callable[[], str],
    ) -> None:
        self._registry = registry
        self._digest = digest
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
        pointers = inputs.pointers_among({*listed.tags, *known.stale_since})
        answers = await asyncio.gather(
            *(self._look(inputs, tag, kind, listed.tags, known) for tag, kind in pointers.items())
        )
        seen = {tag: found for tag, found in zip(pointers, answers, strict=True) if found}
        trouble = disagreement(listed.date, self._now())
        read_on = known.read_on if trouble else listed.date[: len("2026-11-23")]
        untimed = f"{UNTIMED}{trouble}; correct the clock that is wrong" if trouble else ""
        objections, since = {}, {}
        for tag in sorted(seen.keys() - inputs.pointers):
            found, dated = seen[tag], known.stale_since.get(tag, "")
            days = inputs.policy_of(pointers[tag]).days
            objection = found.objection or ("" if tag in listed.tags else _NOT_LISTED)
            if days and not found.interrupted:
                objection = objection or untimed
            if objection:
                objections[tag] = objection
            # What is finished now needs no date; one that it has already outlives a failure.
            if days and (dated or not (objection or found.interrupted)):
                since[tag] = dated or read_on
        return View(
            live={tag: found.digest for tag, found in seen.items()},
            objections=objections,
            interrupted={tag: f.interrupted for tag, f in seen.items() if f.interrupted},
            stale_since=since,
            read_on=read_on,
            ended=known.ended,
            history_due=known.history_due,
        )

    async def _look(
        self, inputs: StaleInputs, tag: str, kind: str, tags: Collection[str], known: View
    ) -> _Seen | None:
        """Look at a pointer, and whether it may be removed where that is asked; None if gone."""
        declared = tag in inputs.pointers
        if declared or not inputs.policy_of(kind).removes:
            digest = await self._digest(inputs.ref(tag))
            before = known.live.get(tag)
            usual = before == digest and tag not in known.interrupted
            # A declared one that moved may be an interrupted removal, which its image's end
            # finishes.
            if digest is None or usual or (declared and before is None):
                return _Seen(digest) if digest else None
            found = await look(self._registry, inputs, tag)
        else:
            found = await check(self._registry, inputs, tag, tags)
        if found is None:
            return None
        interrupted = stood_for(found.manifest) if found.unfinished else ""
        return _Seen(found.manifest.digest, interrupted, found.objection)
