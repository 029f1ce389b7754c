"""Digests that an image's repositories have to keep, seen together; pure."""

from collections.abc import Mapping

from fleet.console import TroubleError
from fleet.plan.wheel_builds import TAGS as WHEELS
from fleet.registry.reference import Repository
from fleet.upkeep.images import Image
from fleet.upkeep.prune.garbage import needed
from fleet.upkeep.prune.needs import Needs
from fleet.upkeep.prune.repository_snapshot import RepositorySnapshot
from fleet.upkeep.state import State


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
