"""What stdout is: a terminal with a width, colours and a line of progress, or a log."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TextIO

from fleet.console import pass_on, printable, say
from fleet.reports.report import Report
from fleet.reports.rows import Row
from fleet.reports.table import text_of

_RED, _GREEN, _YELLOW, _CYAN, _DIM = "31", "32", "33", "36", "2"
_ACTIONS: Final = {
    "fail": _RED, "remove": _YELLOW, "re-point": _CYAN, "build": _GREEN, "sign": _GREEN,
    "copy": _GREEN,
    "keep": _DIM,
}  # fmt: skip
_SEVERITIES: Final = {"error:": _RED, "warning:": _YELLOW}
_SILENT_SECONDS: Final = 60.0
_ERASED: Final = "\r\x1b[K"


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a standard stream is a terminal; Python has None for one that was closed."""
    return stream is not None and stream.isatty()


class Terminal:
    """Prints lines on stdout, or on stderr where stdout is for ``data``.

    ``clock`` gives seconds.
    """

    def __init__(
        self,
        env: Mapping[str, str] = os.environ,
        *,
        data: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._print = say if data else pass_on
        self._live = not data and is_terminal(sys.stdout) and env.get("TERM") != "dumb"
        # https://no-color.org: an empty one does not count.
        self._colours = self._live and not env.get("NO_COLOR")
        self._progress = ""
        self._clock, self._printed_at = clock, clock()

    @property
    def width(self) -> int:
        """The columns of the terminal, which may change; 0 where there is none."""
        return shutil.get_terminal_size().columns if self._live else 0

    def show(self, lines: Iterable[str]) -> None:
        """Print lines, which stay; what a terminal would obey in them is made harmless."""
        for line in map(printable, lines):
            word, blank, rest = line.partition(" ")
            self._stay(f"{self._coloured(word, _SEVERITIES.get(word, ''))}{blank}{rest}")

    def draw(self, report: Report) -> None:
        """Print a report as a table."""
        for line in text_of(report, self.width, self._paint):
            self._stay(line)

    def _stay(self, line: str) -> None:
        self.progress("")
        self._printed_at = self._clock()
        self._print(line)

    def progress(self, text: str) -> None:
        """Have ``text`` as the line of progress of a terminal, in place of the one before.

        In a log it is a line after each minute of silence, so that a long build is seen to go on.
        """
        if not self._live:
            if text and self._clock() - self._printed_at >= _SILENT_SECONDS:
                self.show([text])
            return
        shown = printable(text)[: self.width - 1]
        if shown != self._progress:
            self._progress = shown
            try:
                sys.stdout.write(f"{_ERASED}{shown}")
                sys.stdout.flush()
            except OSError:
                # A terminal that was closed; the run goes on to its end.
                self._live = self._colours = False

    def _paint(self, row: Row, text: str) -> str:
        return self._coloured(text, _ACTIONS[row.action])

    def _coloured(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colours and code else text
