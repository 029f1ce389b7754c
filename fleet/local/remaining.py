"""What is left of a first run: the steps to come, and about how long they take."""

import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Final

from fleet.console import duration, say, timed

_MINUTE = 60
# What is cheaper is not announced.
_LONG = 60.0
# A machine that is busy with other things may be far slower for a while, and not for the rest.
_SLOWEST = 5.0
# As if so many seconds had taken just what was expected: a first short step tells little.
_PRIOR = 120.0


class Remaining:
    """Tells of steps: one line when each begins, and one with its time and what is left.

    ``steps`` are names, with the seconds that each takes on two cores with nothing cached.
    """

    def __init__(self, steps: Iterable[tuple[str, float]] = ()) -> None:
        self._left = dict(steps)
        self._expected = self._took = 0.0
        self._began = 0.0

    def announce(self) -> None:
        """Say what is to be done first, and about how long it takes, if that is long."""
        if sum(self._left.values()) >= _LONG:
            self._began = time.monotonic()
            say(f"first run: {self._rest(1.0)}, on two cores with nothing else running")

    def conclude(self) -> None:
        """Say how long it took in all, if that was announced."""
        if self._began:
            say(f"first run: {duration(time.monotonic() - self._began)} in all")

    def expects(self, name: str) -> bool:
        """Tell whether a step is still to come."""
        return name in self._left

    def step(self, name: str, what: str) -> AbstractContextManager[None]:
        """Say ``what`` when it begins, and how long it took when it succeeds.

        For one of the steps that were to come, also about how long the others take, by the pace
        so far.
        """
        return timed(what, lambda took: self._after(name, took))

    def _after(self, name: str, took: float) -> str:
        expected = self._left.pop(name, 0.0)
        if not expected:
            return ""
        self._expected += expected
        self._took += took
        pace = min((self._took + _PRIOR) / (self._expected + _PRIOR), _SLOWEST)
        return f"; then {self._rest(pace)}" if self._left else ""

    def _rest(self, pace: float) -> str:
        seconds = sum(self._left.values()) * pace
        is_short = seconds < _MINUTE
        about = f"{max(round(seconds), 1)} s" if is_short else f"{round(seconds / _MINUTE)} min"
        return f"about {about} for {', '.join(self._left)}"


UNKNOWN: Final = Remaining()
"""For a caller that knows of no steps to come."""
