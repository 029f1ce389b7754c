"""Pins: tags that a person holds where they are, or puts back, with a reason and an end."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

from fleet.declaration import tags, versions
from fleet.declaration.base_graph import parent_of
from fleet.declaration.matrix import MatrixEntry, matrix_entries, versions_of
from fleet.declaration.model import Declaration, Image, Pin
from fleet.declaration.problems import Problems

_DIGEST = "sha256:"


def parse_pins(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Pin]:
    """Return the pins by tag; those of which a value was faulty are left out."""
    needed = ("to", "because", "until")
    return {
        tag: Pin(**{key: pin[key] for key in needed}, needs_evidence="evidence" not in pin)
        for tag, pin in values.items()
        if pin.keys() >= {*needed}
    }


def note_misplaced_pins(image: Image, at: Callable[[str], str], problems: Problems) -> None:
    """Note pins of tags that the image does not declare, and those that lead nowhere."""
    entries = {entry.tag: entry for entry in matrix_entries(image)}
    pointers = _pointers(image)
    for tag, pin in image.pins.items():
        path = f"{at('pins')}.{tag}"
        if at("pins").startswith("fleet:defaults"):
            problems.add(path, "is a tag of one image", "Declare it in fleet:images, at its image")
        elif tag in pointers:
            _note_pointer(path, pin, pointers[tag], problems)
        elif tag in entries:
            if not pin.to.startswith(_DIGEST):
                what = f"is a version tag, which can't be held at the version {pin.to}"
                remedy = f"Write the digest; `make rollback TAG={tag}` lists those it had"
                problems.add(f"{path}.to", what, remedy)
        else:
            what = f"is not a tag that {image.name} declares"
            problems.add(path, what, "Correct it, or take the pin out")


def _note_pointer(path: str, pin: Pin, line: tuple[str, ...], problems: Problems) -> None:
    if pin.to in line:
        return
    named = ", ".join(line)
    if pin.to.startswith(_DIGEST):
        what = "is a pointer, which names what a version tag names, and can't be held at a digest"
        remedy = f"Write a version: {named}. A pin of the version's own tag holds that at a digest"
    else:
        what = f"{pin.to!r} is not a version of its line that is declared"
        remedy = f"Declare it in `versions`, or write one of {named}"
    problems.add(f"{path}.to", what, remedy)


def _pointers(image: Image) -> dict[str, tuple[str, ...]]:
    """Return the pointers that an image declares, each with the versions of its line.

    Yanks are not known here.
    """
    found: dict[str, tuple[str, ...]] = {}
    for python, base in product(image.pythons, image.bases):
        there = versions_of(image, python, base)
        lines = [tags.lines(version).items() for version in versions.eligible(there, ())]
        for end in {end for line in lines for kind, end in line if kind in image.pointers}:
            members = tuple(v for v in there if end in tags.lines(v).values())
            found[tags.tag(python, base, end)] = members
    return found


def note_pins_below(images: Mapping[str, Image], problems: Problems) -> None:
    """Note version tags that are held at a digest though other images are built on their build."""
    for image in images.values():
        below: dict[str, MatrixEntry] = {}
        for entry in matrix_entries(image):
            if parent := parent_of(entry, images, {}):
                below[parent.tag] = parent
        for tag, parent in below.items():
            if tag in parent.image.pins:
                path = f"fleet:images.{parent.image.name}.pins.{tag}"
                what = f"{image.name} is built on what its build gives, not on what it names"
                remedy = f"Pin the tags of {image.name} instead, or exclude this version"
                problems.add(path, what, remedy)


def ended(declaration: Declaration, today: str) -> Iterator[str]:
    """Yield each pin and waiver whose end is before ``today`` (YYYY-MM-DD), with what to do.

    Pins hold all the same.
    """
    for image in declaration.images:
        for tag, pin in image.pins.items():
            if pin.is_over(today):
                yield (
                    f"fleet:images.{image.name}.pins.{tag}: ended on {pin.until} and still holds "
                    f"the tag ({pin.because}). Take it out, as `make versions` proposes, or set "
                    "another end."
                )
    if declaration.advisories:
        yield from declaration.advisories.problems(today)
