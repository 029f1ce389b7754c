"""A schedule for a proxy that holds a request, so that a test can act in the middle of a run."""

import re
import threading

from tests.faults.proxy import Fault

HELD_SECONDS = 25.0  # less than the provider's deadline for one request


class Gate:
    """Holds the first request whose `METHOD path` matches `pattern`, and all that come after."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self, line: str) -> Fault | None:
        if not self.reached.is_set() and re.search(self._pattern, line):
            self.reached.set()
        if self.reached.is_set():
            self.open.wait(HELD_SECONDS)
        return None
