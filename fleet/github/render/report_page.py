"""The report of a run as a page: the pull request's comment, the job's page, the drift issue."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from fleet.pages.markdown import code, heading_rows, row
from fleet.reports.report import Report
from fleet.reports.rows import HEADINGS, rows_of

COMMENT_LIMIT: Final = 65_536
"""Characters that GitHub takes in a comment or an issue ("body is too long")."""

JOB_LIMIT: Final = 1_000_000
"""Bytes that GitHub takes in a step's part of a job's page, 1 MiB, with room to spare."""

_NOTE_ROOM = 200


@dataclass(frozen=True, kw_only=True)
class Section:
    """A table below a heading: ``rows`` are lines of Markdown with their line breaks."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[str, ...]


def sections(report: Report) -> list[Section]:
    """Return a table for each image of which a tag changes: the rows that a terminal shows.

    What changes beside tags, such as files on GitHub, is a table of its own.
    """
    tables = [
        Section(
            title=f"{code(image)} ({len(rows)})",
            headings=HEADINGS,
            rows=tuple(row(code(cell) for cell in each.cells) for each in rows),
        )
        for image, group in groupby(rows_of(report), key=lambda each: each.image)
        if (rows := list(group))
    ]
    return [*tables, *([listed("Other resources", report.changes)] if report.changes else [])]


def listed(title: str, lines: Sequence[str]) -> Section:
    """Return a table of one column."""
    rows = tuple(row([code(line)]) for line in lines)
    return Section(title=f"{title} ({len(lines)})", headings=("what",), rows=rows)


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
