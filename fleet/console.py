"""Progress for a person, on stderr, so that stdout stays for results."""

import errno
import io
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
# What GitHub's runner obeys: `::` at the start of a line, behind blanks too, and `##[` anywhere.
_COMMAND: Final = re.compile(r"^([^\S\n]*)(?=::)|(?=##\[)", re.MULTILINE)


class TroubleError(Exception):
    """Something stands in the way; the text names the place, what is wrong and the remedy."""


def printable(text: str) -> str:
    """Return text of others without what a terminal or a CI's log would obey.

    Characters that are not printable are escaped, but for line breaks and tabs. Colours are
    dropped.
    """
    plain = _COMMAND.sub(r"\1\\", _COLOUR.sub("", text).replace("\r\n", "\n"))
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode()
        for char in plain
    )


def say(text: str) -> None:
    """Print one line of progress; a stderr that was closed is not an error."""
    # `print` takes None for stdout, which is for results.
    if sys.stderr is not None:
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Print ``text``, a result, on stdout; it is not an error if the reader left early (``head``).

    :raises TroubleError: when stdout can't be written otherwise; what comes after is dropped.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        print(text, flush=True)
    except OSError as error:
        # What is left in its buffer would be written, and complained about, at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE:
            raise TroubleError(f"stdout can't be written: {error.strerror}") from error


def pass_on(text: str) -> None:
    """Print ``text`` on stdout; where that can't be done, say so, and go on."""
    try:
        show(text)
    except TroubleError as error:
        say(f"error: {error}")


def duration(seconds: float) -> str:
    """Return ``seconds`` as a person writes them: ``0.4 s``, ``12 s``, ``3 min 05 s``."""
    if seconds < 9.95:  # noqa: PLR2004 - below ten, tenths still tell something
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


@contextmanager
def timed(what: str, more: Callable[[float], str] = lambda _: "") -> Iterator[None]:
    """Say ``what`` when it begins, and how long it took when it succeeds, and ``more`` of that."""
    say(f"{what} ...")
    begin = time.monotonic()
    yield
    took = time.monotonic() - begin
    say(f"{what}: {duration(took)}{more(took)}")


def tail_of(text: str, lines: int = 12) -> str:
    """Return the last ``lines`` of ``text``, indented to stand below a sentence."""
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:])
