"""The table of contents of a Markdown page: links to headings, by the anchors GitHub gives them."""

import re
from collections.abc import Iterator

_HEADING = re.compile(r"(#{2,3}) +(.+?)\s*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MARKUP = re.compile(r"[`*]|\\(?=[^\w\s])")


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
