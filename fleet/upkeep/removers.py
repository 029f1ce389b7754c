"""Removers that an undo record names and no state has: they keep pointers for nobody."""

from collections.abc import Callable
from contextlib import suppress

from fleet.registry.client import Client
from fleet.registry.errors import UndoRecordError
from fleet.registry.undo_log import PREFIX, Claim, UndoRecord, load_tagged, tag_of
from fleet.registry.undo_writer import UndoWriter
from fleet.upkeep.images import Image
from fleet.upkeep.state import State


async def forget(
    registry: Client, image: Image, owner: str, state: Callable[[], State], *, apply: bool
) -> tuple[str, ...]:
    """Return a line for each remover that is not in ``state``; with ``apply``, forget them.

    The state is read after the record: a run that goes on has a remover in the state before what
    that declares is on record.
    A lost state or `pulumi state delete` leaves such a remover, at a mirror too. A record that
    can't be read is left to the sweep, which names it.

    :raises fleet.registry.errors.OciError: when the registry fails or refuses.
    """
    records = [found for found in await _records(registry, image, owner) if found.declared]
    if not records:
        return ()
    known = [remover.name for remover in state().removers]
    dead = {found.owner: sorted(found.others(*known)) for found in records}
    writer = UndoWriter(registry)
    for whose, names in dead.items() if apply else ():
        for name in names:
            await writer.add(image.public, whose, [], claim=Claim(remover=name, pointers=None))
    gone = [name for names in dead.values() for name in names]
    fate = "forgotten" if apply else "`make prune APPLY=1` forgets it"
    return tuple(f"  no resource any more, but in the undo record: {n}: {fate}" for n in gone)


async def _records(registry: Client, image: Image, owner: str) -> list[UndoRecord]:
    """Return the records of `owner` beside an image: its own, and those of mirrors of it."""
    listed = {t for t in (await registry.tags(image.build)).tags if t.startswith(PREFIX)}
    found = []
    for tag in sorted({tag_of(owner), *listed}):
        with suppress(UndoRecordError):
            record = await load_tagged(registry, image.public, tag)
            if record is not None and owner in {record.owner, record.owner.partition(" ")[0]}:
                found.append(record)
    return found
