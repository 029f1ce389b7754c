"""A report as text: one table of its rows, grouped by image, and the line that sums up."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Final

from fleet.console import printable
from fleet.reports.report import Report
from fleet.reports.rows import HEADINGS, Row, rows_of

DIGEST_SHOWN: Final = len("sha256:") + 12
"""Characters of a digest in a table."""

_GAP: Final = "  "
_LEAST: Final = 40
"""Columns below which a last cell that needs more has lines of its own."""

Paint = Callable[[Row, str], str]
"""Colours the text of a row's change."""


def _plain(_: Row, text: str) -> str:
    return text


def text_of(report: Report, width: int = 0, paint: Paint = _plain) -> list[str]:
    """Return the lines of a report: its table, what changes beside tags, and its summary."""
    found = table(rows_of(report), width, paint)
    beside = {"other resources": report.changes, "in base images": report.bases.lines}
    for title, texts in beside.items():
        lines = [line for text in texts for line in _wrapped(printable(text), _GAP, width)]
        found += [title, *lines] if lines else []
    return [*found, report.summary]


def table(rows: Sequence[Row], width: int = 0, paint: Paint = _plain) -> list[str]:
    """Return the lines of a table, none longer than ``width`` if a cell can be broken; 0: any.

    No line for no rows. A line with an image's name stands above its rows.
    """
    if not rows:
        return []
    cells = [HEADINGS, *(row.cells for row in rows)]
    widths = _widths(cells)
    found = list(_line(HEADINGS, widths, width, _GAP))
    for image, group in groupby(rows, key=lambda row: row.image):
        found += _wrapped(image, "", width)
        for row in group:
            first, *more = _line(row.cells, widths, width, _GAP)
            # Behind the tag, so that a tag of the same text stays as it is.
            start = len(_GAP) + widths[0]
            rest = first[start:].replace(row.change, paint(row, row.change), 1)
            found += [first[:start] + rest, *more]
    return found


def columns(rows: Sequence[Sequence[str]], width: int = 0) -> str:
    """Return rows with each column as wide as its widest cell; ``width`` is as for `table`."""
    widths = _widths(rows)
    return "\n".join(line.rstrip() for row in rows for line in _line(row, widths, width, ""))


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]


def _line(cells: Sequence[str], widths: Sequence[int], width: int, indent: str) -> Iterator[str]:
    """Yield the lines of one row; only its last cell, the reason, is broken."""
    fixed = indent + _GAP.join(cell.ljust(wide) for cell, wide in zip(cells, widths, strict=False))
    room = width - len(fixed) - len(_GAP)
    if not width or len(cells[-1]) <= room or room >= _LEAST:
        first, *more = _wrapped(cells[-1], " " * (len(fixed) + len(_GAP)), width)
        yield f"{fixed}{_GAP}{first.lstrip()}"
        yield from more
    else:
        yield fixed.rstrip()
        yield from _wrapped(cells[-1], _GAP * 3, width)


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    if not width:
        return [f"{indent}{text}"]
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
