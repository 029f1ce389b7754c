"""What moved inside the base images of which a lock has another digest than before."""

from collections.abc import Iterable, Iterator

from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import Image
from fleet.lock.model import Lock
from fleet.lock.official_bases import short
from fleet.releases.sources import Sources
from fleet.sbom.base_moves import NO_MOVES, BaseMoves, MovedBase


def moved_inside(old: Lock, new: Lock, images: Iterable[Image], sources: Sources) -> BaseMoves:
    """Return what moved inside the bases that both locks hold, and that moved between them.

    What compiles is left out: nothing of it is in an image.
    """
    bases = list(_moved(old, new, images))
    if not bases:
        return NO_MOVES
    sources.say(f"reading what moved in {', '.join(base.name for base in bases)}")
    return sources.moves(bases)


def _moved(old: Lock, new: Lock, images: Iterable[Image]) -> Iterator[MovedBase]:
    users: dict[str, dict[str, None]] = {}
    for entry in (entry for image in images for entry in matrix_entries(image)):
        users.setdefault(entry.base_key, {})[entry.image.name] = None
    for key, base in new.bases.items():
        held = old.bases.get(key)
        if held is None or held.name != base.name:
            continue
        platforms = tuple(p for p in base.platforms if p in held.platforms)
        if any(base.platforms[p] != held.platforms[p] for p in platforms):
            yield MovedBase(
                name=short(base.name), before=held.pinned, after=base.pinned,
                platforms=platforms, images=tuple(users.get(key, ())),
            )  # fmt: skip
