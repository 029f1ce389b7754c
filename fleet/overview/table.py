"""The plan of an image as tables for a person: its versions and pointers, with their states."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fleet.declaration import tags
from fleet.declaration.matrix import MatrixEntry
from fleet.declaration.model import Image
from fleet.declaration.tags import Tag
from fleet.local.status import columns
from fleet.overview.notes import Notes
from fleet.overview.predict import Foreseen, ImageForesight
from fleet.plan.pointers import Pointer
from providers.ociregistry.report import Entry
from providers.ociregistry.tag.reasons import shown

_LONG_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")
_ABSENT = "-"
_COORDINATES = 2  # columns in front of those of the bases


@dataclass(frozen=True, kw_only=True)
class Look:
    """How wide a line may be, in columns, and what may put a colour to a cell."""

    width: int
    paint: Callable[[str], str] = str


def tables(image: Image, found: ImageForesight, look: Look, notes: Notes) -> list[str]:
    """Return the tables of versions and of pointers; reasons and exclusions go to ``notes``."""
    drawn = matrix(image, lambda matrix_entry: _version(matrix_entry, found.versions, notes), look)
    pointers = _pointer_rows(image, found.pointers, notes)
    return drawn + _fitting(["python", "pointer", *image.bases], pointers, look)


def matrix(image: Image, state: Callable[[MatrixEntry], str], look: Look) -> list[str]:
    """Return the table of versions, in which ``state`` says what is in a cell."""
    rows = []
    for python in image.pythons:
        for version in image.versions:
            row = [
                MatrixEntry(image=image, python=python, base=b, version=version)
                for b in image.bases
            ]
            rows.append([python, version, *map(state, row)])
    return _fitting(["python", "version", *image.bases], rows, look)


def left_out(matrix_entry: MatrixEntry, notes: Notes) -> str:
    """Return the text of a cell that an exclusion covers; its reason goes to ``notes``."""
    return f"{_ABSENT}{notes.mark(f'left out: {_because(matrix_entry)}')}"


def _fitting(heading: list[str], rows: list[list[str]], look: Look) -> list[str]:
    """Return one table, or one for each base where all of them are too wide side by side."""
    if not rows:
        return []
    whole = columns([heading, *rows])
    bases = range(_COORDINATES, len(heading))
    if len(bases) == 1 or max(map(len, whole.splitlines())) <= look.width:
        return [columns([heading, *rows], look.paint)]
    return [columns([_narrow(row, base) for row in (heading, *rows)], look.paint) for base in bases]


def _narrow(row: Sequence[str], base: int) -> list[str]:
    return [*row[:_COORDINATES], row[base]]


def _version(matrix_entry: MatrixEntry, versions: Mapping[Tag, Foreseen], notes: Notes) -> str:
    found = versions.get(matrix_entry.tag)
    if found is None:
        return left_out(matrix_entry, notes)
    if found.new:
        return "new"
    return f"{_state(found.entry)}{notes.mark(_why(found.entry))}"


def _because(matrix_entry: MatrixEntry) -> str:
    covering = (
        exclusion.because
        for exclusion in matrix_entry.image.exclude
        if exclusion.covers(matrix_entry.python, matrix_entry.base, matrix_entry.version)
    )
    return next(covering)


def _state(entry: Entry) -> str:
    return "=" if entry.action == "unchanged" else entry.action


def _why(entry: Entry) -> str:
    return _LONG_DIGEST.sub(r"\1", shown(entry.reasons))


def _pointer_rows(
    image: Image, pointers: Iterable[tuple[Pointer, Foreseen]], notes: Notes
) -> list[list[str]]:
    by_tag = {pointer.tag: (pointer, found) for pointer, found in pointers}
    ends = dict.fromkeys(tags.lines(p.version)[p.kind] for p, _ in by_tag.values())
    rows = []
    for python in image.pythons:
        for end in ends:
            row = [by_tag.get(tags.tag(python, base, end)) for base in image.bases]
            if any(row):
                rows.append([python, end, *(_pointer(known, notes) for known in row)])
    return rows


def _pointer(known: tuple[Pointer, Foreseen] | None, notes: Notes) -> str:
    if known is None:
        return _ABSENT
    pointer, found = known
    if found.new:
        return f"{pointer.version} new"
    if found.entry.action == "unchanged":
        return f"{pointer.version} ="
    return f"{pointer.version} re-point{notes.mark(_from(pointer, found.entry))}"


def _from(pointer: Pointer, entry: Entry) -> str:
    before = entry.previous_version
    if before and before != entry.version:
        # Both are of one Python and base, so their names differ in the version alone.
        return f"re-point from {before.removeprefix(pointer.target.removesuffix(pointer.version))}"
    return _why(entry) if entry.digest else "re-point to what the build of its version gives"
