"""What an image's repositories have to keep, seen together: pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from local.say import TroubleError
from providers.ociregistry.reference import Repository
from upkeep.holdings import Holdings
from upkeep.images import Image
from upkeep.needs import Needs
from upkeep.state import State
from upkeep.sweep import needed


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of an image's repositories, and what is needed of them.

    ``doubts`` say why nothing is taken from what a repository shows: ``held`` and ``needs`` are of
    the others. Without the public one there are none: what they are needed for is seen there.
    """

    held: Mapping[Repository, Holdings]
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
            f"the state of stack {state.stack} names no digest, though {image.public} has tags; "
            "run `make adopt` and `make up` first, or everything would seem unneeded"
        )
    roots = {*public.tags.values(), *_foreign(public, owner)}
    kept = {image.public: needed(public, roots, named[image.public])}
    if build := seen.held.get(image.build):
        also = named[image.build] | _others(public, owner)
        kept[image.build] = needed(build, _planned(build, image.planned), also)
    if cache := seen.held.get(image.cache):
        # No cache says whose it is: where another stack has tags, each may be the other's.
        serving = frozenset(cache.tags) if _foreign(public, owner) else image.planned
        kept[image.cache] = needed(cache, _planned(cache, serving), named[image.cache])
    return kept


def _foreign(public: Holdings, owner: str) -> frozenset[str]:
    """Return the indexes of other owners: what those superseded is theirs to sweep.

    They may be in another stack's undo record, which this one's state does not tell.
    """
    nodes = public.nodes.values()
    return frozenset(n.digest for n in nodes if n.owner not in ("", owner))


def _others(public: Holdings, owner: str) -> frozenset[str]:
    """Return the platforms of another owner's indexes: its builds lie in the same workshop."""
    foreign = (public.nodes[digest] for digest in _foreign(public, owner))
    return frozenset(digest for node in foreign for digest in node.platforms)


def _planned(held: Holdings, planned: frozenset[str]) -> set[str]:
    kept = {digest for tag, digest in held.tags.items() if tag in planned}
    return kept | set(held.records.values())
