"""The report of a run as a page: the pull request's comment, the job's page, the drift issue."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from fleet.pages.markdown import code, heading_rows, row
from fleet.releases.moves_page import HEADINGS as MOVED
from fleet.releases.moves_page import moved_row, notes
from fleet.reports.report import Report
from fleet.reports.rows import HEADINGS, rows_of
from fleet.sbom.base_moves import BaseMoves

COMMENT_LIMIT: Final = 65_536
"""Characters that GitHub takes in a comment or an issue ("body is too long")."""

JOB_LIMIT: Final = 1_000_000
"""Bytes that GitHub takes in a step's part of a job's page, 1 MiB, with room to spare."""

_NOTE_ROOM = 200
_URGENT: Final = ("fail", "remove")


@dataclass(frozen=True, kw_only=True)
class Section:
    """A table below a heading: ``rows`` are lines of Markdown with their line breaks.

    The first ``urgent`` rows have room before all others of a page.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[str, ...]
    urgent: int = 0


def sections(report: Report) -> list[Section]:
    """Return a table for each image of which a tag changes: the rows that a terminal shows.

    What changes beside tags, such as files on GitHub, is a table of its own, and so are the errors
    that are of none of these.
    """
    tables = [
        Section(
            title=f"{code(image)} ({len(rows)})",
            headings=HEADINGS,
            rows=tuple(row(code(cell) for cell in each.cells) for each in rows),
            urgent=sum(each.action in _URGENT for each in rows),
        )
        for image, group in groupby(rows_of(report), key=lambda each: each.image)
        if (rows := list(group))
    ]
    errors = listed("Errors", report.other_errors, urgent=True)
    return [
        part
        for part in (
            *tables,
            listed("Other resources", report.changes),
            errors,
            _moved(report.bases),
        )
        if part.rows
    ]


def _moved(moves: BaseMoves) -> Section:
    """Return the table of what moved inside base images, a row for each."""
    empty = [""] * (len(MOVED) - 1)
    return Section(
        title=f"Packages in base images ({len(moves.bases)})",
        headings=MOVED,
        rows=(*map(moved_row, moves.bases), *(row([note, *empty]) for note in notes(moves))),
    )


def listed(title: str, lines: Sequence[str], *, urgent: bool = False) -> Section:
    """Return a table of one column."""
    rows = tuple(row([code(line)]) for line in lines)
    return Section(
        title=f"{title} ({len(lines)})", headings=("what",), rows=rows,
        urgent=len(rows) if urgent else 0,
    )  # fmt: skip


def page(opening: str, parts: Sequence[Section], limit: int) -> str:
    """Return ``opening`` and the sections, within ``limit`` bytes of UTF-8.

    A row goes in whole or not at all, the urgent ones of all sections first; how many are left out
    is said at the end.
    """
    room, shown = limit - _NOTE_ROOM - _size(opening), [0] * len(parts)
    for urgent in (True, False):
        for number, part in enumerate(parts):
            for line in part.rows[shown[number] : part.urgent if urgent else None]:
                room -= _size(line) + (0 if shown[number] else _size(_head(part)))
                # Nothing comes after one that has no room.
                shown[number] += room >= 0
    found = [_head(p) + "".join(p.rows[:n]) for p, n in zip(parts, shown, strict=True) if n]
    left_out = sum(len(part.rows) for part in parts) - sum(shown)
    if left_out:
        note = f"{left_out} more rows have no room here: GitHub takes {limit:,} characters."
        found.append(f"\n{note}\n")
    return opening + "".join(found)


def _head(part: Section) -> str:
    return f"\n### {part.title}\n\n{heading_rows(part.headings)}"


def _size(text: str) -> int:
    return len(text.encode())
