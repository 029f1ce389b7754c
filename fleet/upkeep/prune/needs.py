"""What state, undo record, pins and ledger say of a repository, apart from its own tag list."""

from dataclasses import dataclass

from fleet.registry.client import Client
from fleet.registry.reference import Repository
from fleet.registry.undo_log import owner_at
from fleet.registry.undo_log import tag_of as undo_tag
from fleet.upkeep.images import Image
from fleet.upkeep.prune.ledger import Ledger
from fleet.upkeep.prune.ledger import tag_of as ledger_tag
from fleet.upkeep.prune.tag_list_check import Known
from fleet.upkeep.prune.undo import undo_record
from fleet.upkeep.state import State


@dataclass(frozen=True, kw_only=True)
class Needs:
    """The names that are ``known``, the ``digests`` that stay wherever they are.

    ``roots`` are those of them that this repository has or had under a name, or as a build: what
    they refer to stays as well.
    """

    known: Known
    digests: frozenset[str]
    roots: frozenset[str]


async def needs_of(  # noqa: PLR0913 - what is asked, and by whom
    registry: Client,
    image: Image,
    repository: Repository,
    *,
    owner: str,
    state: State,
    ledger: Ledger,
) -> Needs:
    """Return the needs of ``repository``, one of the ``image``'s, for the stack of ``owner``.

    :raises fleet.upkeep.prune.tag_list_check.DoubtError: when the undo record can't be read.
    :raises fleet.registry.errors.OciError: when the registry fails.
    """
    record = await undo_record(registry, image, repository, state, owner)
    pinned = image.pinned if repository == image.public else frozenset[str]()
    undone, own = {entry.digest for entry in record}, set[str]()
    if repository == image.build:
        # That the ledger could be read says that its name is there.
        own = {undo_tag(owner), *([ledger_tag(owner)] if ledger.entries else [])}
        mirrors = (place for place, source in state.mirrors.items() if source == image.public)
        own |= {undo_tag(owner_at(owner, place)) for place in mirrors}
    return Needs(
        known=Known(
            repository=repository,
            declared=state.tags.get(repository, frozenset()),
            names=frozenset({*ledger.names(repository), *(e.tag for e in record), *own}),
            digests=frozenset(ledger.of(repository)),
        ),
        # A public index has the digest of its build, and does not need it.
        digests=(state.built if repository == image.build else state.digests) | undone | pinned,
        roots=frozenset(undone) | pinned | state.roots.get(repository, frozenset()),
    )
