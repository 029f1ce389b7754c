"""What state, undo records and ledger say of a repository, apart from its own tag list."""

from collections.abc import Callable
from dataclasses import dataclass

from fleet.registry.errors import UndoRecordError
from fleet.registry.interface import Registry
from fleet.registry.reference import Repository
from fleet.registry.undo_log import PREFIX, Claim, Removal, UndoRecord, load, load_tagged, tag_of
from fleet.registry.undo_writer import UndoWriter
from fleet.upkeep.images import Image
from fleet.upkeep.prune.ledger import Ledger
from fleet.upkeep.prune.ledger import tag_of as ledger_tag
from fleet.upkeep.prune.tag_list_check import DoubtError
from fleet.upkeep.state import Removed, State


@dataclass(frozen=True, kw_only=True)
class Needs:
    """The ``names`` that something remembers, and the ``digests`` that stay wherever they are.

    ``declared`` are the names of the state's tag resources, ``seen`` the digests that were there at
    the last run. ``roots`` are those of ``digests`` that this repository has or had under a name,
    or as a build: what they refer to stays as well.
    """

    names: frozenset[str]
    declared: frozenset[str]
    seen: frozenset[str]
    digests: frozenset[str]
    roots: frozenset[str]


def needs_of(
    image: Image, repository: Repository, state: State, ledger: Ledger, record: UndoRecord
) -> Needs:
    """Return the needs of ``repository``, one of the image's; ``record`` is all that was undone.

    A sweep keeps all digests that are on record of removals, with their platforms, and asks for all
    these names.
    """
    known: list[Removed | Removal] = [r for r in state.removed if r.repository == repository]
    own = set[str]()
    if repository == image.public:
        known += record.removals
    else:
        # That the ledger could be read says that its name is there.
        own = {tag_of(record.owner), *([ledger_tag(record.owner)] if ledger.entries else [])}
    undone = frozenset(entry.digest for entry in known)
    return Needs(
        names=frozenset({*ledger.names(repository), *(entry.tag for entry in known), *own}),
        declared=state.tags.get(repository, frozenset()),
        seen=frozenset(ledger.of(repository)),
        # A public index has the digest of its build, and does not need it.
        digests=(state.built if repository == image.build else state.digests) | undone,
        roots=undone | state.roots.get(repository, frozenset()),
    )


async def read_removals(registry: Registry, image: Image, owner: str) -> UndoRecord:
    """Return what is on record of removals from the public repository, by every stack.

    :raises DoubtError: when a record can't be read: what it keeps is not known.
    :raises fleet.registry.errors.OciError: when the registry fails.
    """
    listed = {t for t in (await registry.tags(image.build)).tags if t.startswith(PREFIX)}
    found: list[Removal] = []
    # A list may lack it, and the stack's own is the one that has to be found.
    for tag in sorted({tag_of(owner), *listed}):
        try:
            record = await load_tagged(registry, image.public, tag)
        except UndoRecordError as error:
            raise DoubtError(f"{error}. Until then nothing of {image.public} is swept") from error
        if record is not None:
            found += record.removals
        elif tag in listed:
            raise DoubtError(
                f"the tag list of {image.build} names {tag}, which the registry does not have: "
                f"what is to be kept in {image.public} is not known"
            )
    return UndoRecord(owner=owner, removals=tuple(found))


async def forget_removers(
    registry: Registry, image: Image, owner: str, state: Callable[[], State], *, apply: bool
) -> tuple[str, ...]:
    """Return a line for each remover that is on record and not in ``state``; it keeps pointers.

    A lost state or `pulumi state delete` leaves such a remover; with ``apply``, forget it. The
    state is read after the record: a run that goes on has a remover in the state before what that
    declares is on record. A record that can't be read is left to the sweep, which names it.

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
