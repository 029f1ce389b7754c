"""A stop that comes to a worker before it has handlers of its own."""

import subprocess
import sys

import pytest

from tests.assets.starting import ASSETS

FORKS = ASSETS / "shared/image/start/forks.py"
# A master whose handlers only take note, as gunicorn's do, and a child that a stop comes to.
MASTER = """
import os, runpy, signal, sys
number = signal.Signals[sys.argv[1]]
seen = []
signal.signal(number, lambda *_: seen.append(number))
if len(sys.argv) > 3:
    runpy.run_path(sys.argv[3])
for generation in range(int(sys.argv[2])):
    if os.fork():
        status = os.waitstatus_to_exitcode(os.wait()[1])
        signal.raise_signal(number)
        os._exit(status if seen == [number] else 99)
    if generation + 1 < int(sys.argv[2]):
        signal.signal(number, lambda *_: seen.append(number))
signal.raise_signal(number)
os._exit(7)
"""


def ended(name: str, generations: int, *loaded: str) -> int:
    """Return how the youngest child ended; 7: it went on, 99: an older process lost its handler."""
    command = [sys.executable, "-c", MASTER, name, str(generations), *loaded]
    return subprocess.run(command, check=False).returncode


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGQUIT"])
def test_a_stop_ends_a_child_of_the_master_and_leaves_the_master_its_handler(name: str) -> None:
    assert ended(name, 1, str(FORKS)) == 0
    assert ended(name, 1) == 7, "without it, the child goes on"


def test_what_a_worker_forks_itself_is_left_alone() -> None:
    assert ended("SIGTERM", 2, str(FORKS)) == 7
