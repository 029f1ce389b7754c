"""Runs side by side, of one checkout or several: what one of them changes, others wait for."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleet.console import say


@contextmanager
def alone(lock: Path, waiting: str) -> Iterator[None]:
    """Keep out every other run that asks for ``lock``; say ``waiting`` when another has it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(waiting)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
