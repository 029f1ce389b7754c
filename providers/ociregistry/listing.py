"""Which pointers of a repository are stale now, by its registry."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from providers.ociregistry.judge import Judge, Verdict
from providers.ociregistry.registry import Manifest, Registry
from providers.ociregistry.stale import (
    Kept,
    Pointer,
    StaleInputs,
    kept_by_policy,
    live_pointers,
    policy_of,
    refusal,
    undeclared,
)
from providers.ociregistry.throwaway import stood_for


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What is to be removed now (tag to digest), and why it is refused, if it is.

    `since` are the dates on which pointers under grace were first seen stale, those that are due
    among them, for a removal may fail; `waiting` are those not yet due, with digest and date.
    `kept` are all that stay, with the reason for each; `held` are those of them that would go, had
    their removal been announced. `displaced` is what those of `stale` named whose removal was
    interrupted. `tags` are all of the repository.
    """

    stale: Mapping[str, str] = field(default_factory=dict)
    since: Mapping[str, str] = field(default_factory=dict)
    waiting: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[Kept, ...] = ()
    held: tuple[Kept, ...] = ()
    displaced: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    tags: tuple[str, ...] = ()


class Lister:
    """Lists the stale pointers of a repository; `now` is the time (RFC 3339, UTC)."""

    def __init__(self, registry: Registry, now: Callable[[], str]) -> None:
        self._registry = registry
        self._judge = Judge(registry=registry)
        self._now = now

    async def listing(self, inputs: StaleInputs) -> Listing:
        """List the pointers that nothing declares and the policy removes.

        Only what the registry lists and still names can be stale: an empty, null or missing
        tag list makes nothing so. What `Judge` objects to is left out. A name with a date keeps
        it as long as it answers, also where the list lacks it, for a list may be stale itself.
        A removal that was interrupted is finished whatever the policy says, for the name does not
        pull any more. Under `keep` that is looked for in `inputs.suspected` alone.

        :raises RegistryError: if the list cannot be read whole.
        """
        tags = (await self._registry.tags(inputs.repository)).tags
        live = live_pointers(tags, inputs.grammar)
        known = live_pointers({*tags, *inputs.since}, inputs.grammar)
        asked = [p for p in undeclared(known, inputs) if _is_asked(p, inputs)]
        verdicts = await asyncio.gather(*(self._verdict(inputs, p, tags) for p in asked))
        kept = {p.tag: kept_by_policy(p) for p in undeclared(live, inputs) if p not in asked}
        found = _Findings(inputs=inputs, listed=frozenset(live), today=self._today(), kept=kept)
        for pointer, verdict in zip(asked, verdicts, strict=True):
            found.add(pointer, verdict)
        return Listing(
            stale=found.stale,
            since=found.since,
            waiting=found.waiting,
            kept=tuple(kept[tag] for tag in sorted(kept)),
            held=tuple(found.held),
            displaced=found.displaced,
            refused=refusal(len(found.stale), len(live), inputs),
            tags=tags,
        )

    async def _verdict(
        self, inputs: StaleInputs, pointer: Pointer, tags: Collection[str]
    ) -> Verdict:
        if policy_of(pointer, inputs).removes:
            return await self._judge.judge(inputs, pointer, tags)
        return await self._judge.look(inputs, pointer)

    def _today(self) -> str:
        return self._now()[: len("2026-11-23")]


@dataclass(frozen=True, kw_only=True)
class _Findings:
    """Gathers a listing, a pointer at a time."""

    inputs: StaleInputs
    listed: Collection[Pointer]
    today: str
    kept: dict[str, Kept]
    stale: dict[str, str] = field(default_factory=dict)
    since: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    held: list[Kept] = field(default_factory=list)
    displaced: dict[str, str] = field(default_factory=dict)

    def add(self, pointer: Pointer, verdict: Verdict) -> None:
        if verdict.manifest is None:
            return
        policy, digest = policy_of(pointer, self.inputs), verdict.manifest.digest
        if not policy.removes and not verdict.unfinished:
            self.kept[pointer.tag] = kept_by_policy(pointer, digest)
            return
        dated = self.inputs.since.get(pointer.tag, "")
        first = dated or self.today
        # What is finished now needs no date; one that it has already outlives a failure.
        if policy.days and (dated or (verdict.may_go and not verdict.unfinished)):
            self.since[pointer.tag] = first
        if not verdict.may_go or pointer not in self.listed:
            self._keep(pointer, digest, verdict.kept or "the registry does not list it just now")
        # Dates of one form compare as text (RFC 3339, section 5.1).
        elif not verdict.unfinished and policy.goes_on(first) > self.today:
            self.waiting[pointer.tag] = f"{digest}, goes on {policy.goes_on(first)}"
            self._keep(pointer, digest, f"goes on {policy.goes_on(first)}")
        else:
            self._remove(pointer, verdict.manifest)

    def _remove(self, pointer: Pointer, manifest: Manifest) -> None:
        named = stood_for(manifest)
        why = self.inputs.allowed.objection(f"{self.inputs.repository}:{pointer.tag}", named)
        if why:
            self.held.append(self._keep(pointer, manifest.digest, why))
            return
        self.stale[pointer.tag] = manifest.digest
        if named != manifest.digest:
            self.displaced[pointer.tag] = named

    def _keep(self, pointer: Pointer, digest: str, reason: str) -> Kept:
        kept = Kept(tag=pointer.tag, digest=digest, reason=reason)
        self.kept[pointer.tag] = kept
        return kept


def _is_asked(pointer: Pointer, inputs: StaleInputs) -> bool:
    suspected = {pointer.kind, pointer.tag} & inputs.suspected
    return policy_of(pointer, inputs).removes or bool(suspected)
