"""Digests that an image's repositories have to keep, seen together; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.console import TroubleError
from fleet.plan.wheel_builds import TAGS as WHEELS
from fleet.registry.reference import Repository
from fleet.upkeep.images import Image
from fleet.upkeep.prune.garbage import needed
from fleet.upkeep.prune.repository_snapshot import RepositorySnapshot
from fleet.upkeep.prune.tag_list_check import Known
from fleet.upkeep.state import State


@dataclass(frozen=True, kw_only=True)
class Needs:
    """The needs of a repository by state, undo record, pins and ledger, without its own tag list.

    ``known`` are names, ``digests`` those that stay wherever they are. ``roots`` are those of them
    that this repository has or had under a name, or as a build: what they refer to stays as well.
    """

    known: Known
    digests: frozenset[str]
    roots: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The snapshots of an image's repositories, and what is needed of them.

    ``doubts`` say why nothing is taken from what a repository shows: ``held`` and ``needs`` are of
    the others. Without the public one there are none: what they are needed for is seen there.
    """

    held: Mapping[Repository, RepositorySnapshot]
    needs: Mapping[Repository, Needs]
    doubts: Mapping[Repository, str]


def kept_of(image: Image, seen: Seen, state: State, owner: str) -> dict[Repository, frozenset[str]]:
    """Return by repository the digests that stay.

    :raises TroubleError: when the stack's state names nothing of a registry that has tags.
    """
    if image.public not in seen.held:
        return {}
    public, named = seen.held[image.public], {r: need.digests for r, need in seen.needs.items()}
    if public.tags and not state.digests:
        raise TroubleError(
            f"the state of stack {state.stack} has no digest, although {image.public} has tags: "
            "everything there would be taken for superseded.\nRun `make adopt` and `make up` first"
        )
    roots = {*public.tags.values(), *_foreign(public, owner)} - public.evidence.keys()
    kept = {image.public: needed(public, roots, named[image.public])}
    if build := seen.held.get(image.build):
        also = named[image.build] | _others(public, build, owner)
        kept[image.build] = needed(build, _planned(build, image.planned), also)
    return kept


def _foreign(public: RepositorySnapshot, owner: str) -> frozenset[str]:
    """Return the indexes of other owners: what those superseded is theirs to sweep.

    They may be in another stack's undo record, which this one's state does not tell.
    """
    nodes = public.nodes.values()
    return frozenset(n.digest for n in nodes if n.owner not in ("", owner))


def _others(public: RepositorySnapshot, build: RepositorySnapshot, owner: str) -> frozenset[str]:
    """Return what other owners need of the build repository, which they share.

    That is each of their indexes, which has the digest of its build; its platforms, and the builds
    of some of these, where it joins several. No wheels say whose they are: where another owner has
    indexes, all that have a tag may be theirs.
    """
    foreign = [public.nodes[digest] for digest in _foreign(public, owner)]
    if not foreign:
        return frozenset()
    platforms = frozenset(digest for node in foreign for digest in node.platforms)
    joined = (n.digest for n in build.nodes.values() if n.platforms and platforms >= {*n.platforms})
    wheels = (digest for tag, digest in build.tags.items() if tag.startswith(WHEELS))
    return frozenset({*(node.digest for node in foreign), *platforms, *joined, *wheels})


def _planned(held: RepositorySnapshot, planned: frozenset[str]) -> set[str]:
    kept = {digest for tag, digest in held.tags.items() if tag in planned}
    return kept | set(held.records.values())
