"""Images on images of the same package: in one image there is one version of it."""

from collections.abc import Iterator, Mapping

from fleet.declaration import versions
from fleet.declaration.base_graph import Yanked
from fleet.declaration.distributions import normalised
from fleet.declaration.matrix import matrix_entries, versions_of
from fleet.declaration.model import Image
from fleet.declaration.problems import Problems
from fleet.declaration.versions import eligible


def note_two_versions(
    image: Image, images: Mapping[str, Image], yanked: Yanked | None, problems: Problems
) -> None:
    """Note versions of ``image`` that what it is built on can't hold, being of the same package.

    What is below has its highest final version that was not ``yanked``. Where that is ``None``, it
    is not known which were, and only versions are noted that no withdrawal would bring there.
    """
    for below in _below(image, images):
        if normalised(below.package) != normalised(image.package):
            continue
        for (python, there), lacking in _lacking(image, below, yanked).items():
            what = (
                f"{image.package} {', '.join(lacking)} can't be had on Python {python}: "
                f"{below.name}, on which {image.name} is built, has {' or '.join(there)} there"
            )
            remedy = f"Leave it out or exclude it there, or build {image.name} on another image"
            problems.add(f"fleet:images.{image.name}.versions", what, remedy)


def _below(image: Image, images: Mapping[str, Image]) -> Iterator[Image]:
    found = images.get(image.builds_on)
    while found:
        yield found
        found = images.get(found.builds_on)


def _lacking(
    image: Image, below: Image, yanked: Yanked | None
) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """Return the versions of ``image`` that ``below`` lacks, by Python and what it has there."""
    withdrawn = yanked.get(below.package, ()) if yanked else ()
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for entry in matrix_entries(image):
        finals = eligible(versions_of(below, entry.python, entry.base), withdrawn)
        one = finals and yanked is not None
        there = (versions.highest(finals),) if one else tuple(finals)
        known = found.setdefault((entry.python, there), [])
        same = versions.parse(entry.version) in map(versions.parse, there)
        if not same and entry.version not in known:
            known.append(entry.version)
    # Where there is none at all, that is the fault, and noted as such.
    return {key: lacking for key, lacking in found.items() if key[1] and lacking}
