"""Text as a message shows it: that of others as one bounded line, and errors in lists."""

import unicodedata

_LIMIT = 300


def one_line(remote: str | bytes, limit: int = _LIMIT) -> str:
    """Return the text of a server or a foreign program as one line of at most `limit` characters.

    Whatever moves a cursor, ends a line, turns the direction of writing or cannot be written as
    UTF-8 becomes a space: escape sequences, line and paragraph separators, lone surrogates.
    """
    # The rest is never shown, so no time goes into it.
    head = remote[: 8 * limit]
    text = head.decode("utf-8", "replace") if isinstance(head, bytes) else head
    shown = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text)
    line = " ".join(shown.split())
    cut = len(line) > limit or len(head) < len(remote)
    return f"{line[: limit - 1]}…" if cut else line


def indented(text: str, spaces: int) -> str:
    """Return an entry of a list: the lines of ``text`` after the first are ``spaces`` in."""
    return text.replace("\n", "\n" + " " * spaces)
