"""Digests that have to stay, and those that nothing needs and that waited long enough; pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from graphlib import TopologicalSorter

from fleet.console import TroubleError
from fleet.plan.wheel_builds import TAGS as WHEELS
from fleet.registry.clock import moment
from fleet.registry.reference import Repository
from fleet.upkeep.images import Image
from fleet.upkeep.prune.ledger import Ledger
from fleet.upkeep.prune.needs import Needs
from fleet.upkeep.prune.repository_snapshot import RepositorySnapshot
from fleet.upkeep.state import State

_FALLBACK = "sha256-"


@dataclass(frozen=True, kw_only=True)
class UnreferencedDigest:
    """A digest that nothing needs, the tags that go with it, and when it goes."""

    repository: Repository
    digest: str
    tags: tuple[str, ...]
    goes: str
    due: bool


def kept_of(
    image: Image,
    held: Mapping[Repository, RepositorySnapshot],
    needs: Mapping[Repository, Needs],
    state: State,
    owner: str,
) -> dict[Repository, frozenset[str]]:
    """Return by repository that is ``held`` the digests that stay.

    Without the public one there are none: what the others are needed for is seen there.

    :raises TroubleError: when the stack's state names nothing of a registry that has tags.
    """
    if image.public not in held:
        return {}
    public = held[image.public]
    if public.tags and not state.digests:
        raise TroubleError(
            f"the state of stack {state.stack} names no digest, though {image.public} has tags; "
            "run `make adopt` and `make up` first, or everything would seem unneeded"
        )
    # What indexes of other owners superseded is theirs to sweep: they may be in the undo record of
    # another stack, which this one's state does not tell.
    foreign = frozenset(n.digest for n in public.nodes.values() if n.owner not in ("", owner))
    roots = {*public.tags.values(), *foreign, *needs[image.public].digests}
    kept = {image.public: needed(public, roots)}
    if build := held.get(image.build):
        planned = {digest for tag, digest in build.tags.items() if tag in image.planned}
        also = needs[image.build].digests | _others(public, build, foreign)
        kept[image.build] = needed(build, {*planned, *build.records.values(), *also})
    return kept


def _others(
    public: RepositorySnapshot, build: RepositorySnapshot, foreign: frozenset[str]
) -> frozenset[str]:
    """Return what the ``foreign`` indexes need of the build repository, which owners share.

    That is each of them, which has the digest of its build; its platforms, and the builds of some
    of these, where it joins several. No wheels say whose they are: where another owner has indexes,
    all that have a tag may be theirs.
    """
    if not foreign:
        return frozenset()
    platforms = frozenset(d for digest in foreign for d in public.nodes[digest].platforms)
    joined = (n.digest for n in build.nodes.values() if n.platforms and platforms >= {*n.platforms})
    wheels = (digest for tag, digest in build.tags.items() if tag.startswith(WHEELS))
    return frozenset({*foreign, *platforms, *joined, *wheels})


def needed(snapshot: RepositorySnapshot, roots: Collection[str]) -> frozenset[str]:
    """Return every digest of a repository that has to stay where the ``roots`` do.

    With a digest stay the children of its index, what it is attached to (``subject``; OCI image
    specification 1.1), what is attached to it, and what a tag of the form ``sha256-<hex>…`` says it
    is attached to (OCI distribution specification 1.1, "Referrers Tag Schema"; cosign's own tags
    alike).
    """
    keep = {*roots, *(_attached_to(tag) for tag in snapshot.tags)}
    while True:
        more = {d for node in snapshot.nodes.values() if node.digest in keep
                for d in (*node.children, node.subject) if d}  # fmt: skip
        more |= {n.digest for n in snapshot.nodes.values() if n.subject and n.subject in keep}
        if more <= keep:
            return frozenset(keep - {""})
        keep |= more


def _attached_to(tag: str) -> str:
    hexadecimal = tag.removeprefix(_FALLBACK).partition(".")[0]
    return f"sha256:{hexadecimal}" if tag.startswith(_FALLBACK) else ""


def find_unreferenced(snapshot: RepositorySnapshot, keep: Collection[str]) -> list[str]:
    """Return what is there and not to be kept, each before what belongs to it.

    Children go along with the last index that needed them; an index goes first, so that none is
    ever left that names a platform which is gone.
    """
    found: dict[str, None] = {}
    for digest in (d for d in snapshot.nodes if d not in keep):
        below = (child for child in snapshot.nodes[digest].children if child not in keep)
        found.update(dict.fromkeys((digest, *below)))
    return _outermost_first(found, snapshot)


def _outermost_first(digests: Collection[str], snapshot: RepositorySnapshot) -> list[str]:
    """Put each index before its children, indexes among them, and an image before its signatures.

    The deletion of either may be refused, and all that belongs to it has to be there still. An
    index that is attached to something is put before its children alone: with both orders at once
    a registry could hold a circle.
    """
    before: dict[str, list[str]] = {digest: [] for digest in digests}
    for node in (snapshot.nodes[digest] for digest in digests if digest in snapshot.nodes):
        for child in node.children:
            if child in before:
                before[child].append(node.digest)
        if node.subject in before and not node.children:
            before[node.digest].append(node.subject)
    return list(TopologicalSorter(before).static_order())


def decide(
    snapshot: RepositorySnapshot, unreferenced: Iterable[str], ledger: Ledger, days: int, now: str
) -> tuple[UnreferencedDigest, ...]:
    """Date each unreferenced digest; it is due ``days`` after the ledger first saw it unreferenced.

    Nothing is due where no run has recorded the repository's names: a list that lacks some could
    not be told from a whole one.
    """
    recorded = ledger.recorded(snapshot.repository)
    known = ledger.of(snapshot.repository)
    found = []
    for digest in unreferenced:
        since = known.get(digest)
        goes = moment(since or now) + timedelta(days=days)
        found.append(
            UnreferencedDigest(
                repository=snapshot.repository,
                digest=digest,
                tags=tuple(sorted(tag for tag, named in snapshot.tags.items() if named == digest)),
                goes=goes.date().isoformat(),
                due=recorded and goes <= moment(now) and (days == 0 or bool(since)),
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
