"""What state, undo record and ledger say of a repository, apart from its own tag list."""

from collections.abc import Collection
from dataclasses import dataclass

from providers.oci.reference import Repository
from providers.oci.registry import Registry
from upkeep.ledger import Ledger
from upkeep.names import Known
from upkeep.state import State
from upkeep.undo import undo_record


@dataclass(frozen=True, kw_only=True)
class Needs:
    """The names that are ``known``, the ``digests`` that stay wherever they are.

    ``roots`` are those of them that this repository has or had under a name.
    """

    known: Known
    digests: frozenset[str]
    roots: frozenset[str]


async def needs_of(
    registry: Registry, repository: Repository, state: State, ledger: Ledger, also: Collection[str]
) -> Needs:
    """Return the needs of ``repository``; ``also`` are further names that are known of it.

    :raises providers.oci.errors.OciError: when the registry fails.
    """
    record = await undo_record(registry, repository, state)
    undone = {entry.digest for entry in record}
    names = {*ledger.names(repository), *(entry.tag for entry in record), *also}
    return Needs(
        known=Known(
            repository=repository,
            declared=state.tags.get(repository, frozenset()),
            names=frozenset(names),
            digests=frozenset(ledger.of(repository)),
        ),
        digests=state.digests | undone,
        roots=state.roots.get(repository, frozenset()) | undone,
    )
