"""Pointers of a repository whose remover leaves: its image is not declared, or all is destroyed."""

from dataclasses import replace

from fleet.http.addresses import is_loopback
from fleet.registry.errors import OciError, UnreachableError
from fleet.registry.undo_log import Claim, remover_of
from providers.ociregistry.context import Session
from providers.ociregistry.properties import Properties
from providers.ociregistry.stale_pointers.delete_policy import delete_policy
from providers.ociregistry.stale_pointers.model import StaleInputs, View
from providers.ociregistry.stale_pointers.not_allowed import names
from providers.ociregistry.stale_pointers.remove import Outcome


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
        wanted = replace(inputs, recorded=recorded, listed=found.names)
        try:
            going = await self._session.hosts.ask(
                inputs.repository.host, lambda: pointer_remover.owned(wanted)
            )
        except OciError:
            return
        if going:
            await self._session.log(f"{inputs.repository}, to be removed: {names(going)}", urn)

    async def delete(self, urn: str, properties: Properties) -> None:
        """Remove the pointers that carry our owner annotation, or that the state wrote or adopted.

        Only such go as the state lists or declares: that is what a preview could name. Each is
        named before the first one is removed. What this run declares stays, and all of them where
        `delete_policy` says so, or where the remover was replaced by itself (`pulumi up
        --replace`). One that the last run declared and that is somebody else's by now stays with a
        warning. The record of what was ever removed is in the registry afterwards.

        :raises UnreachableError: if the registry can't be reached, with the remedy for one that is
            gone for good. One on loopback is forgotten with a warning: nobody pulls from it.
        :raises UnlistedError: where some stay because no preview listed them.
        :raises OciError: where no preview could, because the provider's configuration changed.
        """
        inputs = self._session.departing(properties)
        if self._session.declared.is_replaced(inputs.repository, urn):
            return
        try:
            found = await delete_policy(self._session, urn, inputs)
            if self._session.took_over and not found.stays:
                raise OciError(
                    f"{inputs.repository}: its pointers stay in this run, which changes the "
                    "provider's configuration: no preview of it can name them. Run again, preview "
                    "first, to remove them"
                )
            if found.stays:
                await self._keep_record(inputs, urn)
            outcome = Outcome() if found.stays else await self._remove_owned(inputs, urn)
        except UnreachableError as error:
            await self._forget(inputs, urn, error)
            return
        if found.why:
            await self._session.warn(found.why, urn)
        for entry in outcome.removed:
            await self._session.log(f"removed {entry.tag}, which named {entry.digest}", urn)
        for kept in outcome.kept:
            await self._session.warn(
                f"{inputs.repository}:{kept.tag} stays, though its image is no longer declared: it "
                f"names {kept.digest}, and {kept.reason}. Remove it by hand if it may go",
                urn,
            )

    async def _remove_owned(self, inputs: StaleInputs, urn: str) -> Outcome:
        pointer_remover, declared = self._session.pointer_remover, self._session.declared
        inputs = replace(inputs, allowed=self._session.allowed)

        async def say(going: dict[str, str]) -> None:
            await self._session.log(f"{inputs.repository}, to be removed: {names(going)}", urn)

        tags = declared.tags(inputs.repository)
        remover = remover_of(urn, inputs.repository)
        return await pointer_remover.remove_owned(inputs, tags, say, remover)

    async def _keep_record(self, inputs: StaleInputs, urn: str) -> None:
        try:
            claim = Claim(remover=remover_of(urn, inputs.repository), pointers=None)
            await self._session.pointer_remover.note(inputs, {}, inputs.removed, claim)
        except OciError as error:
            held = ", ".join(f"{entry.tag} ({entry.digest})" for entry in inputs.removed)
            await self._session.warn(
                f"{inputs.repository}: its record of removed names goes with the state and is not "
                f"in the registry ({error}). It held {held or 'nothing'}",
                urn,
            )

    async def _forget(self, inputs: StaleInputs, urn: str, error: UnreachableError) -> None:
        if not is_loopback(inputs.repository.host):
            raise UnreachableError(
                f"{inputs.repository}: its pointers cannot be removed ({error}). Run again when "
                f"the registry answers; if it is gone for good: `pulumi state delete '{urn}'`"
            ) from error
        await self._session.warn(
            f"{inputs.repository} is forgotten without removing its pointers ({error})", urn
        )
