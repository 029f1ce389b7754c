"""All that ``make plan`` prints: each image with the tables of its tags and pointers.

Without a lock that is what the declaration alone tells. Lines are as long as their text, so that a
terminal of any width folds them as it does all others.
"""

from collections.abc import Iterator, Sequence

from fleet.declaration import tags
from fleet.declaration.matrix import MatrixEntry, matrix_entries
from fleet.declaration.model import Declaration, Image, Pin
from fleet.plan.plan import Plan
from fleet.plan.pointers import Pointer
from fleet.reports.table import columns
from providers.ociregistry.tag.reasons import short_digests

_ABSENT = "-"
_COMPARES = "make preview compares it with the state and the registry."

_Notes = dict[str, int]
"""Footnotes of an image's tables, each with its number in the order of their first mention."""


def report(declaration: Declaration, plan: Plan | None, lacking: str = "") -> str:
    """Return the whole text; without a lock there is no ``plan``, and ``lacking`` says so."""
    pointers = {image.name: image.pointers for image in plan.images} if plan else {}
    blocks = [f"{_title(declaration)}\n{lacking or _COMPARES}"]
    for image in declaration.images:
        notes = _Notes()
        blocks += [_heading(image, declaration), _matrix(image, notes)]
        if there := pointers.get(image.name):
            blocks.append(_pointers(image, there, notes))
        if notes:
            blocks.append("\n".join(f"[{number}] {text}" for text, number in notes.items()))
    return "\n\n".join(blocks)


def _title(declaration: Declaration) -> str:
    images = declaration.images
    count = sum(len(matrix_entries(image)) for image in images)
    title = f"{declaration.registry}: {_counted(len(images), 'image')}, {_counted(count, 'tag')}"
    places = ", ".join(mirror.place for mirror in declaration.mirrors)
    return f"{title}\nmirrored to {places}" if places else title


def _heading(image: Image, declaration: Declaration) -> str:
    platforms = ", ".join(platform.removeprefix("linux/") for platform in image.platforms)
    count = _counted(len(image.platforms), "platform")
    along = f" with {', '.join(image.requires)}" if image.requires else ""
    stacks = declaration.share.stacks if declaration.share else {}
    built_on = image.builds_on or "official Python images"
    if image.builds_on in stacks:
        built_on += f" of stack {stacks[image.builds_on]}"
    inside = f"{image.requirement}{along}, for {count}: {platforms}"
    return f"{image.name}, built on {built_on}\n  {inside}"


def _matrix(image: Image, notes: _Notes) -> str:
    there = {entry.tag for entry in matrix_entries(image)}

    def cell(entry: MatrixEntry) -> str:
        if entry.tag not in there:
            return f"{_ABSENT}{_mark(f'left out: {_because(entry)}', notes)}"
        return f"declared{_pinned(image.pins.get(entry.tag), notes)}"

    rows = [["python", "version", *image.bases]]
    for python in image.pythons:
        for version in image.versions:
            entries = (
                MatrixEntry(image=image, python=python, base=base, version=version)
                for base in image.bases
            )
            rows.append([python, version, *map(cell, entries)])
    return columns(rows)


def _because(entry: MatrixEntry) -> str:
    return next(
        exclusion.because
        for exclusion in entry.image.exclude
        if exclusion.covers(entry.python, entry.base, entry.version)
    )


def _pointers(image: Image, pointers: Sequence[Pointer], notes: _Notes) -> str:
    by_tag = {pointer.tag: pointer for pointer in pointers}

    def cells(row: Sequence[Pointer | None]) -> Iterator[str]:
        for found in row:
            yield f"{found.version}{_pinned(found.pin, notes)}" if found else _ABSENT

    rows = [["python", "pointer", *image.bases]]
    for python in image.pythons:
        for end in dict.fromkeys(tags.lines(p.version)[p.kind] for p in pointers):
            row = [by_tag.get(tags.tag(python, base, end)) for base in image.bases]
            if any(row):
                rows.append([python, end, *cells(row)])
    return columns(rows)


def _pinned(pin: Pin | None, notes: _Notes) -> str:
    """Return the mark of the note that says where and until when a pin holds a tag."""
    if pin is None:
        return ""
    return _mark(short_digests(f"pinned to {pin.to} until {pin.until}: {pin.because}"), notes)


def _mark(text: str, notes: _Notes) -> str:
    """Return what a cell refers to a footnote by: `` [2]``."""
    return f" [{notes.setdefault(text, len(notes) + 1)}]"


def _counted(count: int, what: str) -> str:
    """Return ``1 tag``, ``2 tags``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
