"""The undo record: every name that was removed, with the digest that it had."""

from providers.oci.reference import Repository
from providers.oci.registry import Registry
from upkeep.state import Removed, State


async def undo_record(
    registry: Registry,  # noqa: ARG001 - a record in the registry would be read here
    repository: Repository,
    state: State,
) -> tuple[Removed, ...]:
    """Return what is on record of removals in ``repository``.

    A sweep keeps all these digests, with their platforms, and asks for all these names: this is
    the one place where it learns of them.

    :raises providers.oci.errors.OciError: when the registry fails.
    """
    return tuple(entry for entry in state.removed if entry.repository == repository)
