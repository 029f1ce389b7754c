"""A closed terminal, as `fleet.local.engine` passes it on: one interrupt, and output is read on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleet.local.paths import checkout

CHILD = """
import pathlib, signal, sys, time
notes = pathlib.Path({notes!r})
def interrupted(number, frame):
    notes.write_text(notes.read_text() + "interrupted ")
signal.signal(signal.SIGINT, interrupted)
notes.write_text("ready ")
deadline = time.monotonic() + 10
while time.monotonic() < deadline and "interrupted" not in notes.read_text():
    time.sleep(0.01)
time.sleep(0.5)
print("x" * 1_000_000)
notes.write_text(notes.read_text() + "ended")
sys.exit(7)
"""


@contextmanager
def running(
    notes: Path, before: str = "signal.signal(signal.SIGHUP, signal.SIG_DFL)"
) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a child through `engine.run` in a session of its own, until it is ready.

    A test run may itself ignore the signal, as under nohup, and its children would inherit that.
    """
    child = [sys.executable, "-c", CHILD.format(notes=str(notes))]
    program = (
        f"import os, signal, sys\n{before}\n"
        "from fleet.local import engine\nfrom fleet.local.paths import checkout\n"
        f"os._exit(engine.run(checkout(), {child!r}, dict(os.environ)))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=checkout().root,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as started:
        try:
            deadline = time.monotonic() + 30
            while not _read(notes) and time.monotonic() < deadline:
                time.sleep(0.01)
            yield started
        finally:
            started.kill()


def _read(notes: Path) -> str:
    return notes.read_text() if notes.exists() else ""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.mark.parametrize("times", [1, 3])
def test_a_hangup_of_the_group_is_one_interrupt_and_the_engine_ends_by_itself(
    notes: Path, times: int
) -> None:
    with running(notes) as started:
        for _ in range(times):
            os.killpg(started.pid, signal.SIGHUP)
            time.sleep(0.05)
        started.communicate(timeout=30)
        assert started.returncode == 7
    assert _read(notes) == "ready interrupted ended"


@pytest.mark.parametrize("times", [1, 3])
def test_sigterm_is_one_interrupt_and_the_engine_ends_by_itself(notes: Path, times: int) -> None:
    with running(notes) as started:
        for _ in range(times):
            started.send_signal(signal.SIGTERM)
        started.communicate(timeout=30)
        assert started.returncode == 7
    assert _read(notes) == "ready interrupted ended"


def test_any_number_of_interrupts_leaves_the_engines_end_to_the_engine(notes: Path) -> None:
    with running(notes) as started:
        for _ in range(3):
            started.send_signal(signal.SIGINT)
        os.killpg(started.pid, signal.SIGINT)
        started.communicate(timeout=30)
        assert started.returncode == 7
    assert _read(notes).endswith("ended")


def test_output_that_nobody_reads_any_more_holds_the_engine_up_in_nothing(notes: Path) -> None:
    with running(notes) as started:
        assert started.stdout is not None
        started.stdout.close()
        os.killpg(started.pid, signal.SIGHUP)
        assert started.wait(30) == 7
    assert _read(notes) == "ready interrupted ended"


def test_a_run_that_is_to_outlive_its_terminal_does(notes: Path) -> None:
    with running(notes, "signal.signal(signal.SIGHUP, signal.SIG_IGN)") as started:
        os.killpg(started.pid, signal.SIGHUP)
        time.sleep(0.3)
        assert _read(notes) == "ready "
        os.killpg(started.pid, signal.SIGINT)
        started.communicate(timeout=30)
        assert started.returncode == 7
