"""Pointers of a repository whose remover leaves: its image is not declared, or all is destroyed."""

from collections.abc import Mapping
from dataclasses import replace

from fleet.http.addresses import is_loopback
from fleet.http.text import one_line
from fleet.registry.errors import OciError, UndoRecordError, UnreachableError
from fleet.registry.undo_log import Claim, place_of, remover_of
from providers.ociregistry.context import Session
from providers.ociregistry.properties import Properties
from providers.ociregistry.stale_pointers.allow_list import names
from providers.ociregistry.stale_pointers.model import StaleInputs, View
from providers.ociregistry.stale_pointers.properties import recorded_view, stale_inputs


class Departure:
    """Removes what a remover leaves behind, or keeps it and says why."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def predict(self, urn: str, inputs: StaleInputs, known: View, found: View) -> None:
        """Log what a destroy would remove, with the digests.

        `known` is the state before this run's refresh, `found` what that found. Where that
        can't be read, the deletion itself says why.
        """
        if inputs.keep_on_destroy:
            return
        recorded = {tag: frozenset({digest}) for tag, digest in known.live.items()}
        pointer_remover = self._session.pointer_remover
        wanted = replace(inputs, recorded=recorded, listed=frozenset(found.live))
        try:
            going = await self._session.hosts.ask(
                inputs.repository.host, lambda: pointer_remover.owned(wanted)
            )
        except OciError:
            return
        if going:
            await self._announce(inputs, going, urn)

    async def delete(self, urn: str, properties: Properties) -> None:
        """Remove the pointers that carry our owner annotation, or that the state wrote or adopted.

        Only such go as the state lists or declares: that is what a preview could name. Each is
        named before the first one is removed. What this run declares stays, and all of them where
        `_delete_policy` says so, or where the remover was replaced by itself (`pulumi up
        --replace`). One that the last run declared and that is somebody else's by now stays with a
        warning. The record of what was ever removed is in the registry afterwards.

        :raises UnreachableError: if the registry can't be reached, with the remedy for one that is
            gone for good. One on loopback is forgotten with a warning: nobody pulls from it.
        :raises UnlistedError: where some stay because no preview listed them.
        :raises OciError: where no preview could, because the provider's configuration changed.
        """
        inputs = self._inputs(properties)
        if (inputs.repository, urn) in self._session.declared.created:
            return
        try:
            stays, why = await self._delete_policy(urn, inputs)
            if stays:
                await self._keep_record(inputs, urn)
                if why:
                    await self._session.warn(why, urn)
                return
            if self._session.took_over:
                raise OciError(
                    f"{inputs.repository}: its pointers stay in this run, which changes the "
                    "provider's configuration: no preview of it can name them. Run again, preview "
                    "first, to remove them"
                )
            outcome = await self._session.pointer_remover.remove_owned(
                inputs,
                frozenset(self._session.declared.tags[inputs.repository]),
                lambda going: self._announce(inputs, going, urn),
                remover_of(urn, inputs.repository),
                self._session.settings.allowed,
            )
        except UnreachableError as error:
            if is_loopback(inputs.repository.host):
                text = f"{inputs.repository} is forgotten without removing its pointers ({error})"
                await self._session.warn(text, urn)
                return
            raise UnreachableError(
                f"{inputs.repository}: its pointers cannot be removed ({error}). Run again when "
                "the registry answers; if it is gone for good, declare `fleet:on-destroy: "
                "{pointers: keep}` (docs/runbook.md#a-registry-that-is-gone)"
            ) from error
        for entry in outcome.removed:
            await self._session.log(f"removed {entry.tag}, which named {entry.digest}", urn)
        for kept in outcome.kept.values():
            await self._session.warn(
                f"{inputs.repository}:{kept.tag} stays, though its image is no longer declared: it "
                f"names {kept.digest}, and {kept.reason}. Remove it by hand if it may go",
                urn,
            )

    def _inputs(self, state: Properties) -> StaleInputs:
        """Return the inputs of a remover that goes, by its state and those of its tags."""
        inputs, view = stale_inputs(state), recorded_view(state)
        # What has an objection in the state is in no preview's list either.
        listed = frozenset(view.live.keys() - view.objections.keys())
        recorded = self._session.declared.recorded_in(inputs.repository)
        return replace(inputs, recorded=recorded, listed=listed)

    async def _announce(self, inputs: StaleInputs, going: Mapping[str, str], urn: str) -> None:
        await self._session.log(f"{inputs.repository}, to be removed: {names(going)}", urn)

    async def _delete_policy(self, urn: str, inputs: StaleInputs) -> tuple[bool, str]:
        """Decide whether the pointers of a remover that is no longer declared stay, and a warning.

        They stay where this or the last run's declaration says so, where another remover looks
        after them (one that this process knows, or that the undo record names), and at a mirror of
        a repository that is declared.

        :raises UnreachableError: if the registry can't be reached.
        :raises UndoRecordError: if the record can't be read: nothing is known of other removers.
        """
        declared, repository = self._session.declared, inputs.repository
        if inputs.keep_on_destroy or declared.keeps or declared.removers[repository] - {urn}:
            return True, ""
        if inputs.source and declared.removers[inputs.source]:
            return True, (
                f"{repository}: tags kept: it is no longer declared as a mirror of {inputs.source}"
            )
        own = remover_of(urn, repository)
        known = await self._session.pointer_remover.record(*inputs.recorded_by)
        if others := known.others(own):
            other = one_line(min(others))
        else:
            other = await self._same_repository(inputs, own, lost=own not in known.declared)
        if not other:
            return False, ""
        return True, (
            f"{repository}: pointers kept: by the undo record "
            f"{place_of(*inputs.recorded_by)}, {other} looks after them too. If nothing of "
            "that name is declared anywhere, remove them by hand; "
            f"`make prune IMAGE={repository.name.rpartition('/')[2]} APPLY=1` forgets it"
        )

    async def _same_repository(self, inputs: StaleInputs, own: str, *, lost: bool) -> str:
        """Return a declared repository that has the record of this one, or an empty string.

        That is the same one under another name of its host. A preview has only this to know it by:
        what is declared there goes into the record with the update. Where the record lacks this
        remover it is `lost`, and with it what would tell: then every such repository counts.
        """
        for other in self._session.declared.same_named(inputs.repository):
            try:
                record = await self._session.pointer_remover.record(other, inputs.owner)
            except OciError as error:
                raise UndoRecordError(
                    f"{inputs.repository}: it may be that {other} is the same repository under "
                    "another name of its host, and nothing goes while that is not known: "
                    f"{error}"
                ) from error
            if lost or own in record.declared:
                return str(other)
        return ""

    async def _keep_record(self, inputs: StaleInputs, urn: str) -> None:
        try:
            claim = Claim(remover=remover_of(urn, inputs.repository), pointers=None)
            await self._session.pointer_remover.note(inputs, {}, inputs.removed, claim)
        except OciError as error:
            held = ", ".join(f"{entry.tag} ({entry.digest})" for entry in inputs.removed)
            await self._session.warn(
                f"{inputs.repository}: its record of removed names, which held "
                f"{held or 'nothing'}, goes with the state, and could not be written to the "
                f"registry: {error}",
                urn,
            )
