"""Which image is built on which: order, faults, and the tag that a tag is built on."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter

from fleet.declaration import versions
from fleet.declaration.matrix import MatrixEntry, matrix_entries
from fleet.declaration.model import Exclusion, Image
from fleet.declaration.problems import Problems
from fleet.declaration.versions import eligible

Yanked = Mapping[str, tuple[str, ...]]
"""Withdrawn versions by package."""


def in_order(images: Iterable[Image]) -> tuple[Image, ...]:
    """Return ``images`` with each after the one that it is built on.

    :raises graphlib.CycleError: when there is no such order; :func:`note_faults` says so first.
    """
    known = {image.name: image for image in images}
    graph = {i.name: [i.builds_on] if i.builds_on in known else [] for i in known.values()}
    return tuple(known[name] for name in TopologicalSorter(graph).static_order())


def parent_of(
    entry: MatrixEntry, images: Mapping[str, Image], yanked: Yanked
) -> MatrixEntry | None:
    """Return the tag that ``entry`` is built on: the highest version of the image it builds on.

    It is ``None`` for a tag on an official base, and where :func:`note_orphans` finds fault.
    """
    image = images.get(entry.image.builds_on)
    if image is None:
        return None
    if entry.python not in image.pythons or entry.base not in image.bases:
        return None
    withdrawn = yanked.get(image.package, ())
    version = _highest(image.versions, image.exclude, withdrawn, entry.python, entry.base)
    if version is None:
        return None
    return MatrixEntry(image=image, python=entry.python, base=entry.base, version=version)


# Every platform of every tag asks, several times: worked out anew each time, a plan's cost would
# grow with the square of the versions.
@lru_cache(maxsize=1024)
def _highest(
    declared: tuple[str, ...],
    exclude: tuple[Exclusion, ...],
    yanked: tuple[str, ...],
    python: str,
    base: str,
) -> str | None:
    there = (v for v in declared if not any(e.covers(python, base, v) for e in exclude))
    candidates = eligible(there, yanked)
    return versions.highest(candidates) if candidates else None


def note_faults(images: Iterable[Image], problems: Problems) -> None:
    """Note images that build on one that is not declared, or on themselves in the end."""
    known = {image.name: image for image in images}
    for image in known.values():
        if image.builds_on and image.builds_on not in known:
            what = f"no image {image.builds_on!r} is declared"
            problems.add(_path(image), what, f"Name one of {', '.join(known)}, or leave it out")
    try:
        in_order(known.values())
    except CycleError as error:
        circle = [str(name) for name in reversed(error.args[1])]
        what = f"is a circular dependency: {' on '.join(circle)}"
        problems.add(_path(known[circle[0]]), what, "Take one of the images off another")
        return
    # Where texts were faulty, there would be a second complaint of each.
    if not problems.found:
        for image in known.values():
            note_orphans(image, known, {}, problems)


def note_orphans(
    image: Image, images: Mapping[str, Image], yanked: Yanked, problems: Problems
) -> None:
    """Note tags and platforms of ``image`` that the image below them does not have.

    So are bases of one Python with different versions below: one resolution serves them all.
    """
    below = images.get(image.builds_on)
    if below is None:
        return
    lacking = [platform for platform in image.platforms if platform not in below.platforms]
    if lacking:
        what = f"{below.name} is not built for {', '.join(lacking)}"
        problems.add(_path(image), what, f"Declare that there, or leave it out of {image.name}")
    orphans = set()
    found: dict[str, set[str]] = {}
    for entry in matrix_entries(image):
        if parent := parent_of(entry, images, yanked):
            found.setdefault(entry.python, set()).add(parent.version)
        else:
            orphans.add(f"{entry.python} {entry.base}")
    for python, there in found.items():
        if len(there) > 1:
            what = f"on Python {python} it would be built on versions {' and '.join(sorted(there))}"
            remedy = f"Exclude the same versions of {below.name} from all bases"
            problems.add(_path(image), what, remedy)
    for orphan in sorted(orphans):
        what = f"{below.name} has no final version on Python {orphan} that was not yanked"
        problems.add(_path(image), what, f"Declare one there, or exclude it from {image.name}")


def _path(image: Image) -> str:
    return f"fleet:images.{image.name}.builds-on"
