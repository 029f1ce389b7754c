"""Removers that an undo record names and no state has: they keep pointers for nobody."""

from collections.abc import Callable

from fleet.registry.client import Client
from fleet.registry.errors import UndoRecordError
from fleet.registry.undo_log import Claim, load
from fleet.registry.undo_writer import UndoWriter
from fleet.upkeep.images import Image
from fleet.upkeep.state import State


async def forget(
    registry: Client, image: Image, owner: str, state: Callable[[], State], *, apply: bool
) -> tuple[str, ...]:
    """Return a line for each remover that is not in ``state``; with ``apply``, forget them.

    The state is read after the record: a run that goes on has a remover in the state before what
    that declares is on record.
    A lost state or `pulumi state delete` leaves such a remover. A record that can't be read is left
    to the sweep, which names it.

    :raises fleet.registry.errors.OciError: when the registry fails or refuses.
    """
    try:
        record = await load(registry, image.public, owner)
    except UndoRecordError:
        return ()
    if not record.declared:
        return ()
    gone = sorted(record.others(*(remover.name for remover in state().removers)))
    writer = UndoWriter(registry)
    for name in gone if apply else ():
        await writer.add(image.public, owner, [], claim=Claim(remover=name, pointers=None))
    fate = "forgotten" if apply else "`make prune APPLY=1` forgets it"
    return tuple(f"  no resource any more, but in the undo record: {n}: {fate}" for n in gone)
