"""The pointers of a repository stay where another remover looks after them."""

from dataclasses import dataclass

from fleet.http.text import one_line
from fleet.registry.errors import OciError, UndoRecordError
from fleet.registry.undo_log import build_repository_of, remover_of, tag_of
from providers.ociregistry.context import Session
from providers.ociregistry.stale_pointers.model import StaleInputs


@dataclass(frozen=True, kw_only=True)
class DeletePolicy:
    """The policy for pointers: whether they stay, and a warning, empty where there is none."""

    stays: bool
    why: str = ""


async def delete_policy(session: Session, urn: str, inputs: StaleInputs) -> DeletePolicy:
    """Decide what becomes of the pointers of a remover that the program no longer declares.

    They stay where this or the last run's declaration says so, and where another remover looks
    after them: one that this process knows, or that the undo record names. Those that are `leaving`
    too do not count.

    :raises UnreachableError: if the registry can't be reached.
    :raises UndoRecordError: if the record can't be read: nothing is known of other removers.
    """
    declared, repository = session.declared, inputs.repository
    if inputs.keep_on_destroy or declared.keeps or declared.has_successor(repository, urn):
        return DeletePolicy(stays=True)
    own = remover_of(urn, repository)
    known = await session.pointer_remover.record(repository, inputs.owner)
    record = f"{build_repository_of(repository)}:{tag_of(inputs.owner)}"
    others = known.others(own)
    other = (
        one_line(min(others))
        if others
        else await _same_repository(session, inputs, own, lost=own not in known.declared)
    )
    if not other:
        return DeletePolicy(stays=False)
    return DeletePolicy(
        stays=True,
        why=f"{repository}: pointers kept: by the undo record {record}, {other} looks after them "
        "too. If nothing of that name is declared anywhere, remove them by hand; "
        f"`make prune IMAGE={repository.name.rpartition('/')[2]} APPLY=1` forgets it",
    )


async def _same_repository(session: Session, inputs: StaleInputs, own: str, *, lost: bool) -> str:
    """Return a declared repository that has the record of this one, or an empty string.

    That is the same one under another name of its host. A preview has only this to know it by: what
    is declared there goes into the record with the update. Where the record lacks this remover it
    is `lost`, and with it what would tell: then every such repository counts.
    """
    for other in session.declared.same_named(inputs.repository):
        try:
            record = await session.pointer_remover.record(other, inputs.owner)
        except OciError as error:
            raise UndoRecordError(
                f"{inputs.repository}: it may be that {other} is the same repository under another "
                f"name of its host, and nothing goes while that is not known: {error}"
            ) from error
        if lost or own in record.declared:
            return str(other)
    return ""
