"""One command for all stacks of a split fleet, each in its turn; no failure stops the others."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from fleet.checkout.split_stacks import share_file
from fleet.command import status_of
from fleet.console import say
from fleet.declaration.split import FleetStack

GOES_ON = "What was started goes on (make down stops it)."
"""What a person is told who interrupts a run."""

_FILES = ("FLEET_REPORT", "FLEET_ALLOWED_REMOVALS")
"""Variables with files that a run writes, or had written by the one before: each stack's own."""


def take(stacks: Sequence[FleetStack], run: Callable[[str], int], *, builds: bool = False) -> int:
    """Call ``run`` with the name of each of ``stacks`` in turn; return 0 if all returned that.

    With ``builds``, a stack is left out after one that it builds on failed: there may be nothing to
    build on. The one that looks after GitHub is not, for its pages tell what is there. After an
    interrupt no other stack begins.
    """
    failed: dict[str, int] = {}
    with _interrupts() as seen:
        for number, stack in enumerate(stacks, start=1):
            if seen:
                say(f"interrupted before stack {stack.name}")
                failed[stack.name] = 1
                continue
            missing = [name for name in stack.after if name in failed] if builds else []
            if missing:
                say(f"stack {stack.name} is left out: {' and '.join(missing)} failed")
                failed[stack.name] = 1
                continue
            say(f"stack {stack.name}, {number} of {len(stacks)}:")
            with _files_of(stack.name):
                code = status_of(partial(run, stack.name), GOES_ON)
            if code:
                failed[stack.name] = code
    if failed:
        say(f"error: {len(failed)} of {len(stacks)} stacks failed: {', '.join(failed)}")
    return next(iter(failed.values()), 0)


@contextmanager
def _files_of(stack: str) -> Iterator[None]:
    """Have the files of a run named after its ``stack``, in this process's environment."""
    before = {name: os.environ[name] for name in _FILES if os.environ.get(name)}
    for name, value in before.items():
        os.environ[name] = str(share_file(Path(value), stack))
    try:
        yield
    finally:
        os.environ.update(before)


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Record interrupts: the engine ends at one in its own order, and only its status tells."""
    seen: list[int] = []

    def record(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, record)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)
