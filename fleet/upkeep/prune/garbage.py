"""Digests that nothing needs any more, and those that have waited long enough; pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from graphlib import TopologicalSorter

from fleet.declaration.grouping import grouped
from fleet.registry.clock import moment
from fleet.registry.reference import Repository
from fleet.upkeep.prune.ledger import Ledger
from fleet.upkeep.prune.repository_snapshot import RepositorySnapshot, subject_of


@dataclass(frozen=True, kw_only=True)
class UnreferencedDigest:
    """A digest that nothing needs, the tags that go with it, and when it goes."""

    repository: Repository
    digest: str
    tags: tuple[str, ...]
    since: str
    goes: str
    due: bool


def needed(
    snapshot: RepositorySnapshot, roots: Collection[str], named: Collection[str]
) -> frozenset[str]:
    """Return every digest of a repository that has to stay.

    ``roots`` are kept for themselves, ``named`` whatever they are. With a digest stay the children
    of its index, what it is attached to (``subject``; OCI image specification 1.1), what is
    attached to it, and what a tag of the form ``sha256-<hex>…`` says it is attached to. A list of
    our own evidence alone stays with what it is about, and does not keep it. What others refer to
    by the registry's own list stays, as by a tag.
    """
    evidence = snapshot.evidence
    others = (tag for tag, digest in snapshot.tags.items() if digest not in evidence)
    keep = {*roots, *named, *map(subject_of, others), *snapshot.referred}
    while True:
        more = {d for node in snapshot.nodes.values() if node.digest in keep
                for d in (*node.children, node.subject) if d}  # fmt: skip
        more |= {digest for digest, subject in evidence.items() if subject in keep}
        more |= {n.digest for n in snapshot.nodes.values() if n.subject and n.subject in keep}
        if more <= keep:
            return frozenset(keep - {""})
        keep |= more


def find_unreferenced(snapshot: RepositorySnapshot, keep: Collection[str]) -> list[str]:
    """Return what is there and not to be kept, each before what belongs to it.

    Children go along with the last index that needed them; an index goes first, so that none is
    ever left that names a platform which is gone.
    """
    free = [node for node in snapshot.nodes.values() if node.digest not in keep]
    found = [d for node in free for d in (node.digest, *node.children) if d not in keep]
    return _outermost_first(dict.fromkeys(found), snapshot)


def _outermost_first(digests: Collection[str], snapshot: RepositorySnapshot) -> list[str]:
    """Put each index before its children, indexes among them, and an image before its signatures.

    The deletion of either may be refused, and all that belongs to it has to be there still: also
    the list of our evidence about it. An index that is attached to something is put before its
    children alone, and a list of evidence not behind what it holds: with both orders at once a
    registry could hold a circle.
    """
    before: dict[str, list[str]] = {digest: [] for digest in digests}
    for node in (snapshot.nodes[digest] for digest in digests if digest in snapshot.nodes):
        for child in node.children:
            if child in before:
                before[child].append(node.digest)
        if node.subject in before and not node.children:
            before[node.digest].append(node.subject)
    for listing, subject in snapshot.evidence.items():
        if {listing, subject} <= before.keys() and listing not in upwards(before, subject):
            before[listing].append(subject)
    return list(TopologicalSorter(before).static_order())


def upwards(parents: Mapping[str, Collection[str]], digest: str) -> frozenset[str]:
    """Return ``digest`` and all above it by ``parents``; a registry can hold a circle."""
    found, waiting = {digest}, [digest]
    while waiting:
        more = {*parents.get(waiting.pop(), ())} - found
        found |= more
        waiting += more
    return frozenset(found)


def decide(
    snapshot: RepositorySnapshot, unreferenced: Iterable[str], ledger: Ledger, days: int, now: str
) -> tuple[UnreferencedDigest, ...]:
    """Date each unreferenced digest; it is due ``days`` after the ledger first saw it unreferenced.

    Nothing is due where no run has recorded the repository's names: a list that lacks some could
    not be told from a whole one.
    """
    recorded = ledger.recorded(snapshot.repository)
    known: Mapping[str, str] = ledger.of(snapshot.repository)
    tags = grouped((digest, tag) for tag, digest in sorted(snapshot.tags.items()))
    found = []
    for digest in unreferenced:
        since = known.get(digest) or now
        goes = moment(since) + timedelta(days=days)
        found.append(
            UnreferencedDigest(
                repository=snapshot.repository,
                digest=digest,
                tags=tuple(tags.get(digest, ())),
                since=since,
                goes=goes.date().isoformat(),
                due=recorded and goes <= moment(now) and (days == 0 or bool(known.get(digest))),
            )
        )
    return tuple(found)


def refusal(repository: Repository, due: int, known: int, share: float) -> str:
    """Return why so many deletions are refused, or an empty string where they may go on.

    ``share`` is that of the repository's ``known`` digests; at the limit it still passes.
    """
    if due <= share * known:
        return ""
    return (
        f"{due} of the {known} known digests of {repository} are due, more than the share of "
        f"{share:g} that one run deletes; if that is meant, allow it to one run: MAX_SHARE=1"
    )
