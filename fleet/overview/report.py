"""All that ``make plan`` prints: each image with its tables, what left, and the sum.

Without a lock that is what the declaration alone tells. Lines are as long as their text, so that a
terminal of any width folds them as it does all others.
"""

import re
from collections.abc import Iterator, Mapping

from fleet.declaration import tags
from fleet.declaration.matrix import MatrixEntry, matrix_entries
from fleet.declaration.model import Declaration, Image, Pin
from fleet.declaration.tags import Tag, pointer_pattern
from fleet.overview.predict import Foresight, ImageForesight, Undeclared
from fleet.overview.words import contents, counted, short
from fleet.plan.pointers import Pointer
from fleet.reports.table import columns
from providers.ociregistry.report import Entry, counts
from providers.ociregistry.tag.reasons import short_digests, shown

_LEGEND = (
    "= unchanged; re-point, the name moves without a build; - no such tag; [n] see below the table"
)
_ELSEWHERE = (
    "What somebody changed in the registry since the last refresh, and stale pointers that no "
    "state knows, are known only there: make preview asks it."
)
_LEFT = "No longer declared; stay in the registry, no longer managed: "
_STALE = "No longer declared, policy {policy}: "
_ORPHANED = "No longer declared, removed with their image's declaration: "
_ABSENT = "-"

_Notes = dict[str, int]
"""Footnotes of an image's tables, each with its number in the order of their first mention."""


def report(declaration: Declaration, found: Foresight, lacking: str) -> str:
    """Return the whole text; ``lacking`` says why there is no state to compare with, if so."""
    head = [_title(declaration), _LEGEND]
    if lacking:
        head.append(f"No state to compare with, so everything is new: {lacking}.")
    blocks = ["\n".join(head)]
    for image in found.images:
        blocks += _image(declaration.by_name[image.plan.name], declaration, image)
    for repository, undeclared in found.gone.items():
        blocks.append("\n".join([repository, *_undeclared(undeclared, {})]))
    count = counts(entry for image in found.images for entry in image.entries.values())
    total = f"{count['build']} build, {count['re-point']} re-point, {count['unchanged']} unchanged"
    return "\n\n".join([*blocks, f"{_ELSEWHERE}\n{total}"])


def unlocked(declaration: Declaration, why: str) -> str:
    """Return what is known without a lock, the matrix; ``why`` says what is missing."""
    blocks = [f"{_title(declaration)}\n{why}"]
    for image in declaration.images:
        notes, there = _Notes(), {entry.tag for entry in matrix_entries(image)}
        states = dict.fromkeys(there, ("declared", ""))
        blocks += [_heading(image, declaration), _matrix(image, states, notes)]
        blocks += _listed(notes)
    return "\n\n".join(blocks)


def _title(declaration: Declaration) -> str:
    images = declaration.images
    count = sum(len(matrix_entries(image)) for image in images)
    title = f"{declaration.registry}: {counted(len(images), 'image')}, {counted(count, 'tag')}"
    places = ", ".join(mirror.place for mirror in declaration.mirrors)
    return f"{title}\nmirrored to {places}" if places else title


def _heading(image: Image, declaration: Declaration) -> str:
    platforms = f"{counted(len(image.platforms), 'platform')}: {short(image.platforms)}"
    stacks = declaration.share.stacks if declaration.share else {}
    built_on = image.builds_on or "official Python images"
    if image.builds_on in stacks:
        built_on += f" of stack {stacks[image.builds_on]}"
    return f"{image.name}, built on {built_on}\n  {contents(image)}, for {platforms}"


def _image(image: Image, declaration: Declaration, found: ImageForesight) -> Iterator[str]:
    notes = _Notes()
    states = {
        version.tag: _held(_version(found.entries[version.tag]), version.pin)
        for version in found.plan.tags
    }
    yield _heading(image, declaration)
    yield _matrix(image, states, notes)
    if found.plan.pointers:
        yield _pointers(image, found, notes)
    yield from _listed(notes)
    policies = {pointer_pattern(kind): str(each) for kind, each in found.plan.policy.items()}
    if lines := list(_undeclared(found.undeclared, policies)):
        yield "\n".join(lines)


def _matrix(image: Image, states: Mapping[Tag, tuple[str, str]], notes: _Notes) -> str:
    """Return the table of versions, with state and note of each tag; what has none is left out."""

    def cell(entry: MatrixEntry) -> str:
        if entry.tag not in states:
            return f"{_ABSENT}{_mark(f'left out: {_because(entry)}', notes)}"
        state, why = states[entry.tag]
        return f"{state}{_mark(why, notes)}"

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


def _held(state: tuple[str, str], pin: Pin | None) -> tuple[str, str]:
    """Return a tag's state and note, which says where and until when a pin holds it."""
    return (state[0], _pinned(pin)) if pin else state


def _pinned(pin: Pin) -> str:
    return short_digests(f"pinned to {pin.to} until {pin.until}: {pin.because}")


def _version(entry: Entry) -> tuple[str, str]:
    if not entry.previous:
        return "new", ""
    return "=" if entry.action == "unchanged" else entry.action, _why(entry)


def _pointers(image: Image, found: ImageForesight, notes: _Notes) -> str:
    by_tag = {pointer.tag: pointer for pointer in found.plan.pointers}
    ends = dict.fromkeys(tags.lines(p.version)[p.kind] for p in by_tag.values())
    rows = [["python", "pointer", *image.bases]]
    for python in image.pythons:
        for end in ends:
            row = [by_tag.get(tags.tag(python, base, end)) for base in image.bases]
            if any(row):
                cells = (_pointer(p, found.entries[p.tag], notes) if p else _ABSENT for p in row)
                rows.append([python, end, *cells])
    return columns(rows)


def _pointer(pointer: Pointer, entry: Entry, notes: _Notes) -> str:
    if pointer.pin:
        state = "=" if entry.action == "unchanged" else "re-point" if entry.previous else "new"
        return f"{pointer.version} {state}{_mark(_pinned(pointer.pin), notes)}"
    if not entry.previous:
        return f"{pointer.version} new"
    if entry.action == "unchanged":
        return f"{pointer.version} ="
    before = entry.previous_version
    why = _why(entry) if entry.digest else "re-point to what the build of its version gives"
    if before and before != entry.version:
        # Both are of one Python and base, so their names differ in the version alone.
        common = pointer.target.removesuffix(pointer.version)
        why = f"re-point from {before.removeprefix(common)}"
    return f"{pointer.version} re-point{_mark(why, notes)}"


def _why(entry: Entry) -> str:
    return short_digests(shown(entry.reasons))


def _mark(text: str, notes: _Notes) -> str:
    """Return what a cell refers to a footnote by: `` [2]``, or nothing for no text."""
    return f" [{notes.setdefault(text, len(notes) + 1)}]" if text else ""


def _listed(notes: _Notes) -> Iterator[str]:
    if notes:
        yield "\n".join(f"[{number}] {text}" for text, number in notes.items())


def _undeclared(found: Undeclared, policies: Mapping[str, str]) -> Iterator[str]:
    """Yield lines on names that only the state knows; ``policies`` are by pattern of a pointer.

    Without policies, their image left too.
    """
    groups: dict[str, list[str]] = {_LEFT: found.versions} if found.versions else {}
    for tag in found.pointers:
        fitting = (policy for form, policy in policies.items() if re.fullmatch(form, tag))
        text = _STALE.format(policy=next(fitting, "keep")) if policies else _ORPHANED
        groups.setdefault(text, []).append(tag)
    for text, names in groups.items():
        yield f"{text}{', '.join(names)}"
