"""The engine's output where nobody watches it live: a log, a pipe, a job.

There the engine prints a row for each thing that it looks at, starts, waits for and finds
unchanged, and one for each line of a build: some 4,000 rows for twelve builds. What a reader looks
for drowns in it. A terminal shows the same as a table, and is left alone.
"""

import re
import time
from collections.abc import Callable

_QUIET_SECONDS = 10.0
# What follows the rows is printed once, and to be read.
_ROWS = ("Previewing ", "Updating ", "Refreshing ", "Destroying ", "Importing ")
_END_OF_ROWS = ("Diagnostics:", "Outputs:", "Resources:", "Policies:", "error:")
_DOTS = re.compile(r"@ \w+( \w+)?\.+$")
_ROW = re.compile(r"^ .{2,3} (?P<type>[\w-]+:[\w/-]+:\w+) (?P<name>\S+) (?P<status>.*)$")
_ROUTINE = re.compile(r"^(running|read|refresh(ing)?)?( \([\d.]+m?s\))?$")
_UNDER_WAY = re.compile(r"^(\w+ing)( [\w-]+)? \([\d.ms]+\)")
# A line of a build's own log: `#28 [linux/arm64 stage-4 4/4] RUN ...`, then what that step prints.
_STEP = re.compile(r"(?:^|[ ;])#(?P<number>\d+) (?P<text>.*)$")
_ENDED = re.compile(r"DONE|CACHED|CANCELED")
_FAILED = re.compile(r"(?:^|[ ;])error: ")
_LAST_LINES = 20
# A stack's lines are among the diagnostics; its row also tells what it reads.
_SHOWN_BELOW = "pulumi:pulumi:Stack"


class OutputFilter:
    """A filter of lines that are worth a place in a log.

    Of what is under way, one row is shown after ten seconds in which nothing else was, so that a
    long build is seen to go on. ``clock`` gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shown_at = clock()
        self._in_rows = True
        self._steps: dict[str, dict[str, list[str]]] = {}

    def shown(self, line: str) -> list[str]:
        """Return what is to be shown where ``line``, without its end, was printed.

        That is nothing, or the line. Where a build failed, the step that it failed at comes first,
        with the last lines that it printed: the error names no platform.
        """
        if line.startswith((*_ROWS, *_END_OF_ROWS)):
            self._in_rows = line.startswith(_ROWS)
        row = _ROW.match(line) if self._in_rows else None
        if row is None:
            found = [] if self._in_rows and _DOTS.match(line) else [line]
        else:
            found = [*self._failed_step(row, line), *([line] if self._is_worth_it(row) else [])]
        if found:
            self._shown_at = self._clock()
        return found

    def _failed_step(self, row: re.Match[str], line: str) -> list[str]:
        """Keep the lines of each step that is under way; return those of one that failed."""
        steps = self._steps.setdefault(row["name"], {})
        if _FAILED.search(row["status"]):
            *_, last = self._steps.pop(row["name"]).values() or [[]]
            return [*last[:1], *last[1:][-_LAST_LINES:]]
        if step := _STEP.search(row["status"]):
            # The one that spoke last is at the end.
            lines = steps.pop(step["number"], [])
            if step["text"].startswith("["):
                steps[step["number"]] = lines or [line]
            elif lines and not _ENDED.match(step["text"]):
                steps[step["number"]] = [*lines, line]
        return []

    def _is_worth_it(self, row: re.Match[str]) -> bool:
        status = row["status"].strip()
        if row["type"] == _SHOWN_BELOW or _ROUTINE.match(status):
            return False
        is_silent = self._clock() - self._shown_at >= _QUIET_SECONDS
        return is_silent or not _UNDER_WAY.match(status)
