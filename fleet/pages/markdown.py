"""Markdown of GitHub's kind: text of others as code, tables, and a table of contents."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

_SHOWN = 300
_HALF = 150
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(?:.*?[^`])\1(?!`)")
FOLDED: Final = "<details><summary>{}</summary>"
"""The line before what a page shows folded; an empty line has to follow."""

FOLDED_END: Final = "</details>"

# Nothing of this is markup of a link, an image, a mention, an address or HTML but a line break and
# what folds text.
_INERT = re.compile(r"(?:<br>|</?details>|</?summary>|[A-Za-z0-9 .,;()|#+'\"/*=…–-]|:(?!//)|\\\|)*")  # noqa: RUF001 - a dash
_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HEADING = re.compile(r"(#{2,3}) +(.+?)\s*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MARKUP = re.compile(r"[`*]|\\(?=[^\w\s])")


def one_line(text: str) -> str:
    """Return ``text`` on one line, without characters that turn the direction of writing."""
    return _BIDI.sub("\N{REPLACEMENT CHARACTER}", _INVISIBLE.sub(" ", text))


def code(text: str) -> str:
    """Return ``text`` as code, of one line, for any place including a table's cell.

    Nothing within is a link, a mention or markup. Of what is over 300 characters, an
    ellipsis stands for the middle: a traceback says what went wrong at its end.
    """
    line = one_line(text).strip()
    if not line:
        return ""
    shown = line if len(line) <= _SHOWN else f"{line[:_HALF]}…{line[-_HALF:]}"
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    # A space between fence and backtick is the fence's own; a pipe ends a cell even in code.
    inner = f" {shown} " if "`" in (shown[0], shown[-1]) else shown
    return f"{fence}{inner}{fence}".replace("|", r"\|")


def inert(text: str) -> str:
    """Return Markdown of the kind that this program writes; any other line of it as code.

    For text that was made here and has since been in other hands.
    """
    lines = (line if _is_inert(line) else code(line) for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines)


def _is_inert(line: str) -> bool:
    return line == one_line(line) and bool(_INERT.fullmatch(_CODE_SPAN.sub("", line)))


def row(cells: Iterable[str]) -> str:
    """Return a table's row of ``cells``, which are Markdown already."""
    return f"| {' | '.join(cells)} |\n"


def heading_rows(headings: Sequence[str]) -> str:
    """Return the rows that begin a table."""
    return row(headings) + row(["---"] * len(headings))


def contents(body: str) -> str:
    """Return a list that links to the headings of the second and third level in ``body``."""
    lines, seen = [], set[str]()
    for line, is_code in lines_of(body):
        heading = None if is_code else _HEADING.fullmatch(line)
        if heading:
            indent, title = "  " * (len(heading[1]) - 2), heading[2]
            lines.append(f"{indent}- [{title}](#{_anchor(title, seen)})\n")
    return "".join(lines)


def lines_of(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each line of Markdown, and whether it belongs to a fenced block of code."""
    fence = ""
    for line in text.splitlines():
        found = _FENCE.match(line)
        yield line, bool(fence or found)
        if fence:
            fence = "" if found and found[1].startswith(fence) else fence
        elif found:
            fence = found[1]


def _anchor(title: str, seen: set[str]) -> str:
    """Return the anchor of ``title``: lower case, without punctuation, hyphens for spaces.

    Of headings with the same text, the second has ``-1`` behind it, the third ``-2``.
    """
    text = re.sub(r"[^\w\- ]", "", _MARKUP.sub("", title).lower()).replace(" ", "-")
    anchor, number = text, 0
    while anchor in seen:
        number += 1
        anchor = f"{text}-{number}"
    seen.add(anchor)
    return anchor
