"""Footnotes of a table: each text stands once, below the table, under a number."""

import textwrap
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Notes:
    """Texts in the order in which a table first refers to them."""

    texts: list[str] = field(default_factory=list)

    def mark(self, text: str) -> str:
        """Return what a cell refers to ``text`` by: `` [2]``, or nothing for no text."""
        if not text:
            return ""
        if text not in self.texts:
            self.texts.append(text)
        return f" [{self.texts.index(text) + 1}]"

    def lines(self, width: int) -> list[str]:
        """Return the notes, wrapped to ``width`` columns below their numbers."""
        return [
            line
            for number, text in enumerate(self.texts, 1)
            for line in wrapped(f"[{number}] {text}", width, indent=len(f"[{number}] "))
        ]


def wrapped(text: str, width: int, indent: int = 2) -> list[str]:
    """Return ``text`` in lines of ``width`` columns; names and digests are never broken."""
    return textwrap.wrap(
        text,
        width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
