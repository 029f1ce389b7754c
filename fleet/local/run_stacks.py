"""One command for all stacks of a split fleet, each in its turn; no failure stops the others."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from fleet.checkout.split_stacks import share_file
from fleet.console import TroubleError, say
from fleet.declaration.problems import DeclarationError
from fleet.declaration.split import FleetStack
from fleet.http.errors import ReadableError

_FILES = ("FLEET_REPORT", "FLEET_ALLOWED_REMOVALS")
"""Variables with files that a run writes, or had written by the one before: each stack's own."""


def take(stacks: Sequence[FleetStack], run: Callable[[str], int], *, builds: bool = False) -> int:
    """Call ``run`` with the name of each of ``stacks`` in turn; return 0 if all returned that.

    With ``builds``, a stack is left out after one that it builds on failed: there may be nothing to
    build on. The one that looks after GitHub is not, for its pages tell what is there. After an
    interrupt no other stack begins.
    """
    failed: dict[str, int] = {}
    with _interrupts() as interrupts:
        for number, stack in enumerate(stacks, start=1):
            if interrupts.seen:
                say(f"interrupted before stack {stack.name}")
                failed[stack.name] = 1
                continue
            missing = [name for name in stack.after if name in failed] if builds else []
            if missing:
                say(f"stack {stack.name} is left out: {' and '.join(missing)} failed")
                failed[stack.name] = 1
                continue
            say(f"stack {stack.name}, {number} of {len(stacks)}:")
            if code := _run(stack.name, run):
                failed[stack.name] = code
    if failed:
        say(f"error: {len(failed)} of {len(stacks)} stacks failed: {', '.join(failed)}")
    return next(iter(failed.values()), 0)


def _run(stack: str, run: Callable[[str], int]) -> int:
    try:
        with _files_of(stack):
            return run(stack)
    except (TroubleError, DeclarationError, ReadableError, OSError) as error:
        say(f"error: {error}")
    except subprocess.CalledProcessError as error:
        # The step has said why on stderr itself.
        return int(error.returncode)
    except KeyboardInterrupt:
        say("interrupted; what was started goes on (make down stops it)")
    return 1


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


@dataclass
class _Interrupts:
    seen: bool = False


@contextmanager
def _interrupts() -> Iterator[_Interrupts]:
    """Record interrupts: the engine ends at one in its own order, and only its status tells."""
    interrupts = _Interrupts()

    def record(number: int, frame: FrameType | None) -> None:
        interrupts.seen = True
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, record)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
