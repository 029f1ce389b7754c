"""The report of a run as a page: the pull request's comment, the job's page, the drift issue."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fleet.pages.markdown import code, heading_rows, row
from fleet.reports.report import Report
from providers.ociregistry.report import Entry

COMMENT_LIMIT: Final = 65_536
"""Characters that GitHub takes in a comment or an issue ("body is too long")."""

JOB_LIMIT: Final = 1_000_000
"""Bytes that GitHub takes in a step's part of a job's page, 1 MiB, with room to spare."""

_NOTE_ROOM = 200
_NONE = "-"
_DIGEST_SHOWN = len("sha256:") + 12


@dataclass(frozen=True, kw_only=True)
class Section:
    """A table below a heading: ``rows`` are lines of Markdown with their line breaks."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Kind:
    action: str
    title: str
    headings: tuple[str, ...]
    cells: Callable[[Entry], Sequence[str]]


def sections(report: Report) -> list[Section]:
    """Return a section for each action that the report has, what matters most first."""
    kinds = ((kind, report.of(kind.action)) for kind in _KINDS)
    return [
        Section(
            title=f"{kind.title} ({len(entries)})",
            headings=kind.headings,
            rows=tuple(row(kind.cells(entry)) for entry in entries),
        )
        for kind, entries in kinds
        if entries
    ]


def page(opening: str, parts: Sequence[Section], limit: int) -> str:
    """Return ``opening`` and the sections, within ``limit`` bytes of UTF-8.

    A row goes in whole or not at all; how many are left out is said at the end.
    """
    text, left_out = opening, 0
    for part in parts:
        head = f"\n### {part.title}\n\n{heading_rows(part.headings)}"
        for number, line in enumerate(part.rows):
            more = line if number else head + line
            if left_out or _size(text) + _size(more) > limit - _NOTE_ROOM:
                left_out += 1
            else:
                text += more
    if left_out:
        text += f"\n{left_out} more rows have no room here: GitHub takes {limit:,} characters.\n"
    return text


def _size(text: str) -> int:
    return len(text.encode())


def _name(entry: Entry) -> str:
    return code(entry.ref)


def _short(digest: str) -> str:
    return code(digest[:_DIGEST_SHOWN]) if digest else _NONE


def _names(version: str, digest: str) -> str:
    return f"{code(version)} {_short(digest)}" if version else _short(digest)


def _why(entry: Entry) -> str:
    return "<br>".join(code(reason) for reason in entry.reasons if code(reason)) or _NONE


def _build(entry: Entry) -> Sequence[str]:
    return _name(entry), "<br>".join(map(code, entry.platforms)), _why(entry)


def _move(entry: Entry) -> Sequence[str]:
    before = _names(entry.previous_version, entry.previous)
    return _name(entry), before, _names(entry.version, entry.digest), _why(entry)


def _removal(entry: Entry) -> Sequence[str]:
    # Whole, for it is what a person needs to undo the removal.
    return _name(entry), code(entry.previous) or _NONE, _why(entry)


def _other(entry: Entry) -> Sequence[str]:
    return _name(entry), _why(entry)


_KINDS = (
    _Kind(action="fail", title="Failed", headings=("name", "error"), cells=_other),
    _Kind(
        action="retire",
        title="Pointers removed",
        headings=("name", "digest", "why"),
        cells=_removal,
    ),
    _Kind(
        action="re-point",
        title="Names re-pointed",
        headings=("name", "from", "to", "why"),
        cells=_move,
    ),
    _Kind(action="build", title="Built", headings=("tag", "platforms", "why"), cells=_build),
    _Kind(action="keep", title="Undeclared, and kept", headings=("name", "why"), cells=_other),
)
