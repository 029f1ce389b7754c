"""The engine's output where nobody watches it live: a log, a pipe, a job.

There the engine prints a row for each thing that it looks at, starts, waits for and finds
unchanged, and one for each line of a build: some 4,000 rows for twelve builds. What a reader looks
for drowns in it. A terminal shows the same as a table, and is left alone.
"""

import re
import time
from collections.abc import Callable

_QUIET_SECONDS = 10.0
# What follows the rows is said once, and to be read.
_ROWS = ("Previewing ", "Updating ", "Refreshing ", "Destroying ", "Importing ")
_END_OF_ROWS = ("Diagnostics:", "Outputs:", "Resources:", "Policies:", "error:")
_DOTS = re.compile(r"@ \w+( \w+)?\.+$")
_ROW = re.compile(r"^ .{2,3} (?P<type>[\w-]+:[\w/-]+:\w+) (?P<name>\S+) (?P<told>.*)$")
_UNTOLD = re.compile(r"^(running|read|refresh(ing)?)?( \([\d.]+m?s\))?$")
_UNDER_WAY = re.compile(r"^(\w+ing)( [\w-]+)? \([\d.ms]+\)")
# These say their lines among the diagnostics; of a stack, a row also tells what it reads.
_SAID_BELOW = ("ociregistry:index:Summary", "pulumi:pulumi:Stack")


class Calm:
    """Tells which lines are worth a place in a log.

    Of what is under way, one row is shown after ten seconds in which nothing else was, so that a
    long build is seen to go on. ``clock`` gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shown_at = clock()
        self._in_rows = True

    def shows(self, line: str) -> bool:
        """Tell whether ``line``, without its end, is to be shown."""
        shown = self._is_worth_it(line)
        if shown:
            self._shown_at = self._clock()
        return shown

    def _is_worth_it(self, line: str) -> bool:
        if line.startswith((*_ROWS, *_END_OF_ROWS)):
            self._in_rows = line.startswith(_ROWS)
        if not self._in_rows:
            return True
        row = _ROW.match(line)
        if row is None:
            return not _DOTS.match(line)
        told = row["told"].strip()
        if row["type"] in _SAID_BELOW or _UNTOLD.match(told):
            return False
        return not _UNDER_WAY.match(told) or self._is_silent()

    def _is_silent(self) -> bool:
        return self._clock() - self._shown_at >= _QUIET_SECONDS
