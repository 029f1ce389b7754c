"""Tells what becomes of pointers that nothing declares, to the account of the run."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from fleet.registry.errors import OciError
from fleet.registry.reference import Repository, TagReference
from fleet.registry.undo_log import remover_of
from providers.ociregistry.context import Session
from providers.ociregistry.report import Entry
from providers.ociregistry.stale_pointers.delete_policy import parting
from providers.ociregistry.stale_pointers.last_tag import last_names
from providers.ociregistry.stale_pointers.model import Kept
from providers.ociregistry.stale_pointers.not_allowed import held_of
from providers.ociregistry.stale_pointers.remove import Outcome
from providers.ociregistry.tag.reasons import shown

_LEFT = "no longer declared, kept in the registry"


class StaleTeller:
    """Keeps the account of removers and of names that left the declaration."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def stays(self, urn: str, repository: Repository, kept: Iterable[Kept]) -> None:
        """Note what stays where nothing is stale; a refresh compares as well, before any check."""
        if self._session.account.has_checked(urn):
            self._session.account.note(urn, *(_kept(repository, entry) for entry in kept))

    async def foresee(self, urn: str, repository: Repository, outcome: Outcome) -> None:
        """Note and log what an update would remove, and of which images the last name."""
        last = await last_names(self._session, repository, outcome.going, outcome.tags)
        going = (
            _retired(
                repository,
                tag,
                digest,
                "nothing declares it",
                *([last[tag]] if tag in last else []),
            )
            for tag, digest in outcome.going.items()
        )
        kept = (_kept(repository, entry) for entry in outcome.kept)
        self._session.account.note(urn, *going, *kept)
        if outcome.going:
            await self._session.log(f"stale, to be removed: {names(outcome.going, last)}", urn)

    def tell(self, urn: str, repository: Repository, outcome: Outcome) -> None:
        """Note what an update removed and kept."""
        gone = (
            _retired(repository, removal.tag, removal.digest, "nothing declared it")
            for removal in outcome.removed
        )
        kept = (_kept(repository, kept) for kept in outcome.kept)
        self._session.account.note(urn, *gone, *kept)

    async def tell_left(self, urn: str) -> None:
        """Note and log the version tags that left the declaration, which the engine shows deleted.

        Their deletion writes nothing.
        """
        kept = []
        for left, state in self._session.account.left.items():
            ref = TagReference.parse(state["ref"])
            if ref.tag not in self._session.declared.tags(ref.repository):
                digest = state["digest"]
                entry = Entry(
                    ref=str(ref), kind="version", action="keep", reasons=(_LEFT,), digest=digest,
                    previous=digest,
                )  # fmt: skip
                self._session.account.note(left, entry)
                kept.append(str(ref))
        if kept:
            await self._session.log(f"{_LEFT}: {shown(tuple(kept))}", urn)

    async def tell_forgotten(self) -> None:
        """Note and log the pointers that go because their image left the declaration.

        The engine deletes such a remover after all else, and no preview asks it what it would do.
        """
        forgotten = self._session.account.forgotten
        leaving = [remover_of(u, Repository.parse(s["repository"])) for u, s in forgotten.items()]
        for urn, state in forgotten.items():
            inputs = self._session.departing(state)
            repository, declared = inputs.repository, self._session.declared
            try:
                found = await parting(self._session, urn, inputs, leaving)
                if found.stays:
                    if found.why:
                        await self._session.log(found.why, urn)
                    continue
                owned = await self._session.retirer.owned(inputs, declared.tags(repository))
                allowed = self._session.allowed
            except OciError:
                continue  # the deletion itself says what stands in its way
            held = held_of(repository, owned, allowed)
            going = {tag: digest for tag, digest in owned.items() if tag not in held}
            reason = "its image is no longer declared"
            entries = [_retired(repository, *found, reason, later=True) for found in going.items()]
            entries += [_kept(repository, kept) for kept in held.values()]
            self._session.account.note(urn, *entries)
            if going:
                await self._session.log(f"{reason}, to be removed: {names(going)}", urn)


def names(going: Mapping[str, str], last: Mapping[str, str] = MappingProxyType({})) -> str:
    """Name the pointers that are to be removed, with their digests and what there is to say."""
    said = {tag: f"; {last[tag]}" if tag in last else "" for tag in going}
    return ", ".join(f"{tag} ({digest}{said[tag]})" for tag, digest in going.items())


def _retired(
    repository: Repository, tag: str, digest: str, *reasons: str, later: bool = False
) -> Entry:
    return Entry(
        ref=f"{repository}:{tag}",
        kind="pointer",
        action="retire",
        reasons=reasons,
        previous=digest,
        later=later,
    )


def _kept(repository: Repository, kept: Kept) -> Entry:
    return Entry(
        ref=f"{repository}:{kept.tag}",
        kind="pointer",
        action="keep",
        reasons=(kept.reason,),
        digest=kept.digest,
        previous=kept.digest,
    )
