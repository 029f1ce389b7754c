"""The pointers of a repository stay where another remover looks after them."""

from dataclasses import dataclass

from fleet.http.text import one_line
from fleet.registry.errors import OciError, UndoRecordError
from fleet.registry.undo_log import build_repository_of, remover_of, tag_of
from providers.ociregistry.context import Session
from providers.ociregistry.stale_pointers.model import StaleInputs


@dataclass(frozen=True, kw_only=True)
class Parting:
    """Whether pointers stay, and what a person should know of that; empty where nothing."""

    stays: bool
    why: str = ""


async def parting(session: Session, urn: str, inputs: StaleInputs) -> Parting:
    """Decide what becomes of the pointers of a remover that the program no longer declares.

    They stay where this or the last run's declaration says so, and where another remover looks
    after them: one that this process knows, or that the undo record names. Those that are `leaving`
    too do not count.

    :raises UnreachableError: if the registry can't be reached.
    :raises UndoRecordError: if the record can't be read: nothing is known of other removers.
    """
    declared, repository = session.declared, inputs.repository
    if inputs.keep_on_destroy or declared.keeps or declared.has_successor(repository, urn):
        return Parting(stays=True)
    own = remover_of(urn, repository)
    known = await session.pointer_remover.undo_entries.record(repository, inputs.owner)
    record = f"{build_repository_of(repository)}:{tag_of(inputs.owner)}"
    others = known.others(own)
    other = (
        one_line(min(others))
        if others
        else await _twin(session, inputs, own, lost=own not in known.declared)
    )
    if not other:
        return Parting(stays=False)
    return Parting(
        stays=True,
        why=f"{repository}: pointers kept: by the undo record {record}, {other} looks after them "
        "too. If nothing of that name is declared anywhere, remove them by hand; "
        f"`make prune IMAGE={repository.name.rpartition('/')[2]} APPLY=1` forgets it",
    )


async def _twin(session: Session, inputs: StaleInputs, own: str, *, lost: bool) -> str:
    """Return a declared repository that has the record of this one, or an empty string.

    That is the same one under another name of its host. A preview has only this to know it by: what
    is declared there goes into the record with the update. Where the record lacks this remover it
    is `lost`, and with it what would tell: then every such repository counts.
    """
    for twin in session.declared.twins(inputs.repository):
        try:
            record = await session.pointer_remover.undo_entries.record(twin, inputs.owner)
        except OciError as error:
            raise UndoRecordError(
                f"{inputs.repository}: it may be that {twin} is the same repository under another "
                f"name of its host, and nothing goes while that is not known: {error}"
            ) from error
        if lost or own in record.declared:
            return str(twin)
    return ""
