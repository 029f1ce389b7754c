"""The resource `ociregistry:index:StalePointers`: properties in, properties out."""

from dataclasses import replace
from typing import Any

from fleet.http.addresses import is_loopback
from providers.ociregistry.errors import OciError, UnreachableError
from providers.ociregistry.held import still_there, with_reasons
from providers.ociregistry.listing import Listing
from providers.ociregistry.parting import parting
from providers.ociregistry.retire import Outcome
from providers.ociregistry.session import Change, Session
from providers.ociregistry.stale import Kept, Removal, StaleInputs, changes
from providers.ociregistry.stale_telling import StaleTeller, names
from providers.ociregistry.wire import InvalidInputsError, Properties, stale_inputs

_NOTHING = Outcome(removed=(), kept=())


class RemovalFailedError(OciError):
    """A removal that failed after others: carries the state to keep."""

    def __init__(self, message: str, *, resource_id: str, properties: dict[str, Any]) -> None:
        super().__init__(message)
        self.resource_id = resource_id
        self.properties = properties


class StaleResource:
    """Removes the pointers of a repository that nothing declares."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: dict[str, dict[str, Kept]] = {}
        self.teller = StaleTeller(session)

    def identify(self, inputs: Properties) -> str:
        """Return the id: the repository."""
        return str(inputs["repository"])

    async def check(self, urn: str, olds: Properties, properties: Properties) -> dict[str, Any]:
        """Validate, and list what is stale as the input `stale`, so that a preview shows it.

        `listing` counts the listings that found something: it tells a listing that an update
        has dealt with from one that is still to be dealt with, even if both are alike.
        `staleSince` keeps the dates of the old inputs, and dates what is stale for the first time;
        a name that is declared again or gone loses its date. Stale names whose removal nobody
        announced, where `FLEET_ALLOWED_REMOVALS` says what was, are warned of and not listed; so
        the run that may remove them finds a difference.

        :raises InvalidInputsError: naming every property that is wrong, or the share of
            removals where that is too large.
        :raises UnreachableError: if the registry can't be reached, for then nothing is known of
            what is stale.
        :raises OciError: if it can't be read what was announced.
        """
        # Also where it fails below: a remover that is declared is none whose image left.
        self._session.account.checked(urn)
        # What an update removed lost its date in the outputs alone: if it comes back, its whole
        # grace is before it.
        known = self._session.account.remover(urn)
        dates = known.get("staleSince", olds.get("staleSince", {}))
        inputs = self._with_declared({**properties, "stale": {}, "staleSince": dates})
        inputs = replace(inputs, suspected=_suspected(olds, properties))
        self._session.declared.add_remover(inputs.repository, urn, keeps=inputs.keep_on_destroy)
        listing = await self._listing(replace(inputs, allowed=self._session.allowed))
        if listing.refused:
            reason = f"{listing.refused}. Listed: {names(listing)}"
            raise InvalidInputsError({"maxRemovals": reason})
        self.teller.listed(urn, inputs.repository, listing)
        self._held[urn] = {kept.tag: kept for kept in listing.held}
        if listing.held:
            await self._session.warn(still_there(inputs.repository, listing.held), urn)
        number = olds.get("listing", 0)
        if listing.stale:
            number += 1
            await self._session.log(f"stale, to be removed: {names(listing)}", urn)
        for tag in sorted(listing.waiting.keys() - dates.keys()):
            await self._session.log(f"stale: {tag} ({listing.waiting[tag]})", urn)
        return {
            **properties,
            "stale": listing.stale,
            "listing": number,
            "staleSince": listing.since,
        }

    def diff(self, urn: str, olds: Properties, news: Properties) -> list[Change]:
        """Return the differing properties, and each stale pointer on its own."""
        found = []
        for name in changes(olds, news):
            if name == "stale":
                found += [
                    Change(name=name, path=f'stale["{tag}"]', kind="ADD", from_inputs=False)
                    for tag in news["stale"]
                ]
            elif name == "staleSince":
                found += _dated(olds.get(name, {}), news[name])
            else:
                found.append(Change(name=name, path=name, replaces=name == "repository"))
        if not found:
            self.teller.foresee(urn)
        return found

    async def create(self, urn: str, properties: Properties, *, preview: bool) -> dict[str, Any]:
        """Remove what `check` listed, or foresee that."""
        return await self._apply(urn, properties, [], preview=preview)

    async def update(
        self, urn: str, olds: Properties, news: Properties, *, preview: bool
    ) -> dict[str, Any]:
        """Remove what `check` listed, or foresee that; the record only grows."""
        return await self._apply(urn, news, list(olds.get("removed", [])), preview=preview)

    async def read(
        self, urn: str, resource_id: str, properties: Properties, inputs: Properties
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the state as it is: `check` lists the registry in every run.

        :raises OciError: on an import, for there is nothing to take over.
        """
        if "grammar" not in properties:
            raise OciError(f"{resource_id}: StalePointers cannot be imported; just declare it")
        self._session.account.read_remover(urn, properties)
        return dict(properties), dict(inputs)

    async def delete(self, urn: str, properties: Properties) -> None:
        """Remove the pointers that carry our owner annotation, or that the state wrote or adopted.

        What this run declares stays, and all of them where `parting` says so. One that the last
        run declared and that is somebody else's by now stays with a warning. The record of what
        was ever removed is in the registry afterwards.

        :raises UnreachableError: if the registry can't be reached, with the remedy for one that is
            gone for good. One on loopback is forgotten with a warning: nobody pulls from it.
        :raises UnannouncedError: where some stay because nobody announced that they go.
        """
        inputs = self._session.departing(properties)
        try:
            found = await parting(self._session, urn, inputs)
            if found.stays and inputs.removed:
                await self._keep_record(inputs, urn)
            outcome = _NOTHING if found.stays else await self._retire_owned(inputs)
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

    async def _listing(self, inputs: StaleInputs) -> Listing:
        lister = self._session.lister
        try:
            return await self._session.hosts.ask(
                inputs.repository.host, lambda: lister.listing(inputs)
            )
        except UnreachableError as error:
            raise UnreachableError(
                f"{inputs.repository}: nothing can be done while its registry cannot be reached "
                f"({error}). Start it or mend the network, and run again; if it is gone for good, "
                "declare the registry that took its place"
            ) from error

    async def _retire_owned(self, inputs: StaleInputs) -> Outcome:
        retirer, declared = self._session.retirer, self._session.declared
        inputs = replace(inputs, allowed=self._session.allowed)
        return await retirer.retire_owned(inputs, declared.tags(inputs.repository))

    async def _keep_record(self, inputs: StaleInputs, urn: str) -> None:
        try:
            await self._session.retirer.keep_record(inputs)
        except OciError as error:
            held = ", ".join(f"{entry.tag} ({entry.digest})" for entry in inputs.removed)
            await self._session.warn(
                f"{inputs.repository}: its record of removed names goes with the state and is not "
                f"in the registry ({error}). It held {held}",
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

    async def _apply(
        self, urn: str, news: Properties, record: list[Any], *, preview: bool
    ) -> dict[str, Any]:
        if preview:
            await self.teller.foresee_removals(urn)
            return {**news, "kept": [], "removed": record}
        if news["stale"] and "" in news.get("waitFor", []):
            raise OciError(
                f"{self.identify(news)}: no pointer is removed while a declared tag failed; repair "
                f"that and rerun. Still there: {', '.join(sorted(news['stale']))}"
            )
        inputs = self._with_declared({**news, "removed": record})
        outcome = await self._session.retirer.retire(inputs)
        outcome = replace(outcome, kept=with_reasons(outcome.kept, self._held.get(urn, {})))
        self.teller.tell(urn, inputs.repository, outcome)
        properties = _outputs(news, record, outcome)
        if outcome.failure is not None:
            raise RemovalFailedError(
                str(outcome.failure), resource_id=self.identify(news), properties=properties
            )
        for kept in outcome.kept:
            if kept.tag in news["stale"]:
                await self._session.log(f"{kept.tag} stays: {kept.reason} ({kept.digest})", urn)
        return properties

    def _with_declared(self, properties: Properties) -> StaleInputs:
        """Read the inputs; every tag that this run declares is none of the stale ones."""
        inputs = stale_inputs(properties)
        tags = self._session.declared.tags(inputs.repository)
        return replace(inputs, pointers=inputs.pointers | tags)


def _suspected(olds: Properties, news: Properties) -> frozenset[str]:
    """Return the kinds that were not always kept, and the tags that the last run was to remove."""
    before, now = olds.get("policy", {}), news.get("policy", {})
    changed = {kind for kind in now if before.get(kind) != now[kind]}
    return frozenset({*changed, *olds.get("stale", {})})


def _dated(olds: Properties, news: Properties) -> list[Change]:
    """Return each date that comes, goes or differs on its own."""
    changed = [tag for tag in sorted({*olds, *news}) if olds.get(tag) != news.get(tag)]
    return [
        Change(
            name="staleSince",
            path=f'staleSince["{tag}"]',
            kind="ADD" if tag not in olds else "UPDATE" if tag in news else "DELETE",
            from_inputs=False,
        )
        for tag in changed
    ]


def _outputs(news: Properties, record: list[Any], outcome: Outcome) -> dict[str, Any]:
    kept = [{"tag": k.tag, "digest": k.digest, "reason": k.reason} for k in outcome.kept]
    removed = [*record, *(_entry(removal) for removal in outcome.removed)]
    gone = {removal.tag for removal in outcome.removed}
    since = {tag: date for tag, date in news.get("staleSince", {}).items() if tag not in gone}
    return {**news, "stale": {}, "staleSince": since, "kept": kept, "removed": removed}


def _entry(removal: Removal) -> dict[str, str]:
    return {"tag": removal.tag, "digest": removal.digest, "removedAt": removal.removed_at}
