"""Markdown of GitHub's kind, in which text of others is shown and never understood."""

import re
from collections.abc import Iterable, Sequence

_SHOWN = 300
_HALF = 150
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def code(text: str) -> str:
    """Return ``text`` as code, of one line, for any place including a table's cell.

    Nothing within is a link, a mention or markup. Of what is over 300 characters, an
    ellipsis stands for the middle: a traceback says what went wrong at its end.
    """
    line = _BIDI.sub("\N{REPLACEMENT CHARACTER}", _INVISIBLE.sub(" ", text)).strip()
    if not line:
        return ""
    shown = line if len(line) <= _SHOWN else f"{line[:_HALF]}…{line[-_HALF:]}"
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    # A space between fence and backtick is the fence's own; a pipe ends a cell even in code.
    inner = f" {shown} " if "`" in (shown[0], shown[-1]) else shown
    return f"{fence}{inner}{fence}".replace("|", r"\|")


def row(cells: Iterable[str]) -> str:
    """Return a table's row of ``cells``, which are Markdown already."""
    return f"| {' | '.join(cells)} |\n"


def heading_rows(headings: Sequence[str]) -> str:
    """Return the rows that begin a table."""
    return row(headings) + row(["---"] * len(headings))
