"""What refers to an index by the registry's own list, which no tag tells of.

OCI distribution specification 1.1, "Listing Referrers". Where a registry has no such list, what it
would hold is under a tag ``sha256-<hex>``, which a snapshot reads as it does any other.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from fleet.registry.client import Client
from fleet.registry.referrers import entries_in
from fleet.upkeep.parallel import each
from fleet.upkeep.prune.repository_snapshot import RepositorySnapshot, evidence_of, follow


def indexes(held: RepositorySnapshot, digests: Collection[str]) -> Iterator[str]:
    """Yield those of ``digests`` that evidence and signatures of images are attached to."""
    for digest in digests:
        node = held.nodes.get(digest)
        if node is not None and node.children and digest not in held.evidence:
            yield digest


async def statements_about(
    registry: Client, held: RepositorySnapshot, digest: str
) -> frozenset[str] | None:
    """Return what refers to ``digest``, if all of it is evidence of the owner; else None.

    :raises fleet.registry.errors.RegistryError: when a list is malformed, or the registry fails.
    """
    place = f"{held.repository}@{digest}: the list of referrers"
    found: set[str] = set()
    for page in await registry.referrers(held.repository, digest):
        listed = entries_in(page, place)
        if listed and not evidence_of([e.descriptor for e in listed]) == held.owner != "":
            return None
        found |= {entry.digest for entry in listed}
    return frozenset(found)


async def with_referrers(
    registry: Client, held: RepositorySnapshot, digests: Collection[str]
) -> RepositorySnapshot:
    """Return ``held`` with what refers to the indexes ``digests``: a request each.

    One that others refer to is noted as such; our statements about another become known.

    :raises fleet.registry.errors.RegistryError: when a list is malformed, or the registry fails.
    """

    async def ask(digest: str) -> frozenset[str] | None:
        return await statements_about(registry, held, digest)

    answers = dict(zip(digests, await each(ask, digests), strict=True))
    others = {digest for digest, found in answers.items() if found is None}
    ours = {statement for found in answers.values() for statement in found or ()}
    read = await follow(registry, held, ours)
    # A list is the registry's word; what a statement is about is in its own bytes.
    more = {d: node for d, node in read.nodes.items() if node.subject in answers}
    return replace(held, nodes={**more, **held.nodes}, referred=held.referred | others)
