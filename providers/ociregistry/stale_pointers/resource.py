"""The resource `ociregistry:index:StalePointers`: properties in, properties out."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from fleet.registry.errors import OciError, UnreachableError
from fleet.registry.history import Sights
from fleet.registry.interruption import STOPPED, readable
from fleet.registry.reference import Repository
from fleet.registry.undo_log import Claim, remover_of
from providers.ociregistry.context import Change, PartialFailureError, Session
from providers.ociregistry.fields import encoded
from providers.ociregistry.properties import Properties
from providers.ociregistry.stale_pointers.allow_list import names, not_allowed_of, still_there
from providers.ociregistry.stale_pointers.departure import Departure
from providers.ociregistry.stale_pointers.find import UNTIMED
from providers.ociregistry.stale_pointers.model import Due, Kept, StaleInputs, View, changes
from providers.ociregistry.stale_pointers.notices import Ending, Noticed, ending
from providers.ociregistry.stale_pointers.properties import (
    recorded_view,
    stale_inputs,
    view_properties,
)
from providers.ociregistry.stale_pointers.remove import Outcome

_REMOVED = "to be removed because nothing declares it"
_DUE = "its tags move, which an update enters in the history"


class RemovalFailedError(PartialFailureError):
    """A removal that failed after others."""


@dataclass(frozen=True, kw_only=True)
class _Step:
    """A create or update: the declared properties, what was known before, and what follows.

    `inputs.stale` is what may be removed, `not_allowed` what this run was not allowed to remove,
    `before` what tags named by the state.
    With `only_history`, some tags moved, and nothing else is to be done.
    """

    urn: str
    news: Properties
    inputs: StaleInputs
    view: View
    not_allowed: Mapping[str, Kept]
    only_history: bool = False
    notices: Ending = field(default_factory=Ending)
    before: Mapping[str, str] = field(default_factory=dict)


class StaleResource:
    """Removes the pointers of a repository that nothing declares.

    A refresh records every live pointer. What is stale follows from that record and the
    declaration alone, so an update removes only what the state lists. As it waits for all tags, it
    also enters in the repository's history which of them moved.
    """

    id_property = "repository"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._departure = Departure(session)

    async def check(self, urn: str, _olds: Properties, properties: Properties) -> dict[str, Any]:
        """Validate, and record the repository as looked after.

        :raises InvalidInputsError: naming every property that is wrong.
        """
        inputs = stale_inputs(properties)
        declared = self._session.declared
        declared.removers[inputs.repository].add(urn)
        # What stays at a mirror because nothing can be removed there holds for that alone.
        declared.keeps = declared.keeps or (inputs.keep_on_destroy and inputs.source is None)
        return dict(properties)

    def diff(self, _urn: str, olds: Properties, news: Properties) -> list[Change]:
        """Return the differing properties, each stale pointer on its own, and that tags moved."""
        found = [
            Change(name=name, path=name, replaces=name == "repository")
            for name in changes(olds, news)
        ]
        if any(change.replaces for change in found):
            return found
        inputs = self._inputs(news)
        stale = inputs.due(recorded_view(olds)).stale
        if self._moved(olds, inputs):
            found.append(Change(name="history", path="history", kind="ADD", from_inputs=False))
        notices = _ending(olds, inputs)
        return [
            *found,
            *(_output("stale", tag, "ADD") for tag in stale),
            *(_output("ended", tag, "ADD") for tag in notices.left),
            *(_output("ended", tag, "DELETE") for tag in sorted(notices.back)),
        ]

    async def create(self, urn: str, properties: Properties, *, preview: bool) -> dict[str, Any]:
        """Look at the repository, and remove what is stale, or predict that."""
        async with self._claiming(urn, properties, preview=preview):
            view = await self._look(urn, self._inputs(properties), View())
            step = self._step(urn, properties, view, [])
            await self._log_waiting(urn, step.inputs.due(view), View())
            self._session.declared.created.add((step.inputs.repository, urn))
            step = replace(step, notices=_ending({}, step.inputs))
            outputs = await self._apply(step, [], preview=preview)
            if preview:
                await self._warn_of_lost_state(urn, step.inputs, outputs["removers"])
            return outputs

    async def update(
        self, urn: str, olds: Properties, news: Properties, *, preview: bool
    ) -> dict[str, Any]:
        """Remove what the state lists as stale, or predict that; the record only grows."""
        record = list(olds.get("removed", []))
        view = recorded_view(olds)
        async with self._claiming(urn, news, preview=preview):
            step = self._step(urn, news, view, record)
            await self._log_waiting(urn, step.inputs.due(view), view)
            idle = not (changes(olds, news) or step.inputs.stale or step.not_allowed)
            step = replace(
                step,
                only_history=idle,
                notices=_ending(olds, step.inputs),
                before=olds.get("digests") or {},
            )
            return await self._apply(step, record, preview=preview)

    async def read(
        self, urn: str, resource_id: str, properties: Properties, inputs: Properties
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Record every live pointer, and what of them is stale by the last declaration.

        :raises UnreachableError: if the registry can't be reached, with the remedies.
        :raises OciError: on an import, for there is nothing to take over; if the registry fails.
        """
        if "grammar" not in properties:
            raise OciError(f"{resource_id}: StalePointers cannot be imported; just declare it")
        # The engine keeps the inputs of every run, outputs of updates alone.
        declared, known = stale_inputs({**properties, **inputs}), recorded_view(properties)
        view = await self._look(urn, declared, known)
        listed = declared.due(view)
        await self._log_waiting(urn, listed, known)
        if self._session.destroying:
            await self._departure.predict(urn, declared, known, view)
        return {**properties, **view_properties(view, listed.stale, listed.kept)}, dict(inputs)

    async def delete(self, urn: str, properties: Properties) -> None:
        """Remove the pointers of an image that left, see `Departure.delete`."""
        await self._departure.delete(urn, properties)

    async def _look(self, urn: str, inputs: StaleInputs, known: View) -> View:
        lister = self._session.lister
        try:
            found = await self._session.hosts.ask(
                inputs.repository.host, lambda: lister.listing(inputs, known)
            )
        except UnreachableError as error:
            raise UnreachableError(
                f"{inputs.repository}: its stale pointers can't be listed, because its registry "
                f"cannot be reached ({error}). Start it or mend the network, and run again; if it "
                "is gone for good, declare the registry that took its place "
                "(docs/runbook.md#a-registry-that-is-gone)"
            ) from error
        untimed = (why for why in found.objections.values() if why.startswith(UNTIMED))
        if reason := next(untimed, ""):
            await self._session.warn(f"{inputs.repository}: {reason}", urn)
        return found

    async def _warn_of_lost_state(
        self, urn: str, inputs: StaleInputs, removers: Sequence[str]
    ) -> None:
        """Warn where the undo record has this very resource, and the state nothing of its tags."""
        repository = inputs.repository
        known = self._session.declared.recorded_in(repository)
        if remover_of(urn, repository) in removers and not known:
            await self._session.warn(
                f"{repository}: this stack has looked after it before, and its state has nothing "
                "of it. If the state was lost: docs/runbook.md#the-state-is-lost",
                urn,
            )

    async def _apply(self, step: _Step, record: list[Any], *, preview: bool) -> dict[str, Any]:
        if step.not_allowed:
            text = still_there(step.inputs.repository, step.not_allowed.values())
            await self._session.warn(text, step.urn)
        urn, news = step.urn, step.news
        if preview:
            return {**await self._predicted(await self._with_notices(step)), "removed": record}
        if step.inputs.stale and "" in step.inputs.digests.values():
            raise OciError(
                f"{step.inputs.repository}: no pointer is removed while a declared tag failed; "
                f"repair that and rerun. Still there: {', '.join(sorted(step.inputs.stale))}"
            )
        if step.inputs.stale:
            text = f"{_REMOVED}: {names(step.inputs.stale)}"
            await self._session.log(text, urn)
        claim = _claim(urn, step.inputs.repository, news)
        sights = self._sights(step.inputs)
        try:
            outcome = await self._session.pointer_remover.remove_stale(step.inputs, claim, sights)
        except OciError as error:
            if not step.only_history:
                raise
            return await self._unentered(step, record, error)
        view, failure = await self._afterwards(step, outcome)
        # Last, for the state has to know each that is written.
        noticed = Noticed(failed=dict(step.notices.left))
        if failure is None:
            noticed = await self._noticed(step)
        view = replace(_after(view, noticed), history_due=False)
        listed = step.inputs.due(view)
        kept = _merged(listed.kept, outcome.kept.values(), step.not_allowed.values())
        removed = [*record, *encoded(outcome.removed)]
        digests = {**step.inputs.last_known(step.before), **noticed.failed}
        seen = view_properties(view, listed.stale, kept)
        outputs = {**news, **seen, "removed": removed, "digests": digests}
        if failure is not None:
            raise RemovalFailedError(
                str(failure), resource_id=news["repository"], properties=outputs
            )
        for entry in outcome.kept.values():
            await self._session.log(f"{entry.tag} stays: {entry.reason} ({entry.digest})", urn)
        return outputs

    async def _with_notices(self, step: _Step) -> _Step:
        """Return the step of a preview as it is once its notices are written and taken back."""
        left, back = step.notices.left, step.notices.back
        if left:
            text = f"to get a notice of the end of life: {names(left)}"
            await self._session.log(text, step.urn)
        found = Noticed(days=dict.fromkeys(left, self._session.today()), back=back)
        return replace(step, view=_after(step.view, found))

    async def _noticed(self, step: _Step) -> Noticed:
        """Write and take back notices.

        One that fails costs a warning and is due again: all tags are as declared.
        """
        found = await self._session.notices.write(step.inputs, step.notices, self._session.today())
        for text in found.warnings:
            await self._session.warn(text, step.urn)
        return found

    async def _unentered(self, step: _Step, record: list[Any], error: OciError) -> dict[str, Any]:
        """Warn that the history could not be written; return outputs by which it stays due.

        The tags moved by now. An error would keep those of other images from that.
        """
        await self._session.warn(
            f"{step.inputs.repository}: its tags are as declared, but what moved is not in the "
            f"history, and the next update tries again: {error.__cause__ or error}",
            step.urn,
        )
        kept = step.inputs.due(step.view).kept
        seen = view_properties(replace(step.view, history_due=True), {}, kept)
        # Nor has what left a notice.
        digests = {**step.inputs.last_known(step.before), **step.notices.left}
        return {**step.news, **seen, "removed": record, "digests": digests}

    def _step(self, urn: str, news: Properties, view: View, record: list[Any]) -> _Step:
        """Return what is to be done.

        :raises OciError: if more would be removed than the declared share.
        """
        inputs = self._inputs({**news, "removed": record})
        stale = inputs.due(view).stale
        named = {tag: view.stood_for(tag) for tag in stale}
        not_allowed = not_allowed_of(inputs.repository, named, self._session.settings.allowed)
        going = {tag: digest for tag, digest in stale.items() if tag not in not_allowed}
        refused = inputs.refusal(len(going), len(view.live))
        if refused:
            raise OciError(f"{refused}. Listed: {names(going)}")
        inputs = replace(inputs, stale=going)
        return _Step(urn=urn, news=news, inputs=inputs, view=view, not_allowed=not_allowed)

    async def _predicted(self, step: _Step) -> dict[str, Any]:
        """Return the outputs of a preview, with what a report can't know.

        `removers` are those that the undo record has.
        """
        inputs, pointer_remover = step.inputs, self._session.pointer_remover
        if step.only_history:
            # Nothing is read for it, so that a damaged record ends no preview.
            await self._session.log(_DUE, step.urn)
            return {**step.news, **view_properties(step.view, {}, inputs.due(step.view).kept)}
        remover, hosts = remover_of(step.urn, inputs.repository), self._session.hosts
        # That of a mirror lies beside its source: each host answers for itself.
        record = await hosts.ask(
            inputs.recorded_by[0].host, lambda: pointer_remover.record(*inputs.recorded_by)
        )
        outcome = await hosts.ask(
            inputs.repository.host, lambda: pointer_remover.predict_stale(inputs, remover, record)
        )
        listed = inputs.due(step.view)
        named = outcome.named
        if named:
            await self._session.log(f"{_REMOVED}: {names(named)}", step.urn)
        stale = {tag: inputs.stale[tag] for tag in named}
        kept = _merged(listed.kept, outcome.kept.values(), step.not_allowed.values())
        seen = view_properties(step.view, stale, kept)
        return {**step.news, **seen, "removers": sorted(record.declared)}

    @asynccontextmanager
    async def _claiming(self, urn: str, news: Properties, *, preview: bool) -> AsyncIterator[None]:
        """Have on record what is declared, also where its create or update fails before that.

        The deletions of the same run read it, also in another process of this plugin.
        """
        try:
            yield
        except RemovalFailedError:
            raise
        except OciError:
            if not preview:
                await self.claim(urn, news)
            raise

    async def claim(self, urn: str, news: Properties) -> None:
        """Have on record what is declared, where nothing else is done; as far as that goes.

        A host that a moment ago did not answer is not waited for once more.
        """
        with suppress(OciError):
            inputs = self._inputs(news)
            pointer_remover = self._session.pointer_remover
            await self._session.hosts.ask(
                inputs.recorded_by[0].host, lambda: pointer_remover.record(*inputs.recorded_by)
            )
            claim = _claim(urn, inputs.repository, news)
            await pointer_remover.note(inputs, {}, (), claim, self._sights(inputs))

    async def _afterwards(self, step: _Step, outcome: Outcome) -> tuple[View, OciError | None]:
        """Look again; where that fails, what was known less what was removed is kept.

        An interruption of this must not cost the record of what was removed either.
        """
        known = step.view.without(removal.tag for removal in outcome.removed)
        if outcome.failure is not None:
            return known, outcome.failure
        if step.only_history:
            there = {tag: step.inputs.digests.get(tag) or held for tag, held in known.live.items()}
            return replace(known, live=there), None
        try:
            return await self._session.lister.listing(step.inputs, known), None
        except STOPPED as error:
            return known, readable(error)

    async def _log_waiting(self, urn: str, listed: Due, known: View) -> None:
        """Log the pointers whose grace has just begun."""
        for kept in listed.waiting:
            if kept.tag not in known.stale_since:
                await self._session.log(f"stale: {kept.tag} ({kept.digest}, {kept.reason})", urn)

    def _moved(self, olds: Properties, inputs: StaleInputs) -> bool:
        """Tell whether a tag moved since the last update, or was moved outside of one."""
        before = olds.get("digests") or {}
        return (
            recorded_view(olds).history_due
            or before != inputs.last_known(before)
            or self._session.moves.outside(inputs.repository)
        )

    def _sights(self, inputs: StaleInputs) -> Sights:
        return self._session.sights(inputs.repository, inputs.digests, inputs.commit)

    def _inputs(self, properties: Properties) -> StaleInputs:
        """Read the inputs; every tag that this run declares is none of the stale ones."""
        inputs = stale_inputs(properties)
        tags = self._session.declared.tags[inputs.repository]
        return replace(inputs, pointers=inputs.pointers | tags)


def _ending(olds: Properties, inputs: StaleInputs) -> Ending:
    before, pointers = olds.get("digests") or {}, olds.get("pointers") or ()
    return ending(before, pointers, olds.get("ended") or {}, inputs)


def _after(view: View, noticed: Noticed) -> View:
    stay = {tag: day for tag, day in view.ended.items() if tag not in noticed.back}
    return replace(view, ended={**stay, **noticed.days})


def _output(name: str, tag: str, kind: str) -> Change:
    return Change(name=name, path=f'{name}["{tag}"]', kind=kind, from_inputs=False)


def _claim(urn: str, repository: Repository, news: Properties) -> Claim:
    remover = remover_of(urn, repository)
    return Claim(remover=remover, pointers=tuple(sorted(news["pointers"])))


def _merged(*parts: Any) -> tuple[Kept, ...]:
    """Return what stays, by tag; of two reasons the later part's counts."""
    found = {kept.tag: kept for part in parts for kept in part}
    return tuple(found[tag] for tag in sorted(found))
