"""The undo record: every name that was removed, with the digest that it had.

It lies in the stack's state and in the registry. The state forgets an image that left the
declaration, and may be lost; the registry knows of nothing that went before it kept records.
"""

from collections.abc import Iterable

from fleet.registry.client import Client
from fleet.registry.errors import UndoRecordError
from fleet.registry.reference import Repository
from fleet.registry.undo_log import PREFIX, UndoRecord, is_at_mirror, load_tagged, tag_of
from fleet.upkeep.images import Image
from fleet.upkeep.prune.tag_list_check import DoubtError
from fleet.upkeep.state import Removed, State


async def undo_record(
    registry: Client, image: Image, repository: Repository, state: State, owner: str
) -> tuple[Removed, ...]:
    """Return what is on record of removals in ``repository``, one of those of ``image``.

    A sweep keeps all these digests, with their platforms, and asks for all these names: this is
    the one place where it learns of them. Records of other stacks that are listed count as well.

    :raises fleet.upkeep.prune.tag_list_check.DoubtError: when a record can't be read: what it
        keeps is not known.
    :raises fleet.registry.errors.OciError: when the registry fails.
    """
    known = tuple(entry for entry in state.removed if entry.repository == repository)
    if repository != image.public:
        return known
    return merged(known, await _recorded(registry, image, owner))


async def _recorded(registry: Client, image: Image, owner: str) -> list[Removed]:
    listed = {t for t in (await registry.tags(image.build)).tags if t.startswith(PREFIX)}
    found: list[Removed] = []
    # A list may lack it, and the stack's own is the one that has to be found.
    for tag in sorted({tag_of(owner), *listed}):
        try:
            record = await load_tagged(registry, image.public, tag)
        except UndoRecordError as error:
            raise DoubtError(f"{error}. Until then nothing of {image.public} is removed") from error
        if record is not None:
            # What was removed at a mirror is restored there, from what that holds.
            found += () if is_at_mirror(record.owner) else removed_by(image.public, record)
        elif tag in listed:
            raise DoubtError(
                f"the tag list of {image.build} names the undo record {tag}, which the registry "
                f"does not have, so it is not known what has to stay in {image.public}"
            )
    return found


def removed_by(repository: Repository, record: UndoRecord) -> tuple[Removed, ...]:
    """Return the entries of a ``record`` that lies beside ``repository``."""
    return tuple(Removed(repository=repository, **vars(one)) for one in record.removals)


def merged(state: Iterable[Removed], registry: Iterable[Removed]) -> tuple[Removed, ...]:
    """Return what both have, oldest first; what both know counts as the state has it.

    The registry's record dates an entry just before its name goes, and may hold one whose removal
    failed.
    """
    known = tuple(state)
    names = {(entry.repository, entry.tag, entry.digest) for entry in known}
    more = (e for e in registry if (e.repository, e.tag, e.digest) not in names)
    # Dates of one form compare as text (RFC 3339, section 5.1).
    return tuple(sorted((*known, *more), key=lambda entry: entry.removed_at))
