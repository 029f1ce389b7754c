"""Daemons: detached, remembered by pid and start time, stopped with all that they started."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.console import TroubleError
from fleet.local import processes
from fleet.local.processes import Record


class Daemons:
    """Starts shell scripts as daemons; whatever is left is killed at the end of the test."""

    def __init__(self, folder: Path) -> None:
        self.record, self.log = folder / "run" / "it.pid", folder / "log" / "it.log"
        self.started: list[Record] = []

    def start(self, script: str) -> Record:
        found = processes.start(
            ["/bin/sh", "-c", script],
            env=dict(os.environ),
            log=self.log,
            record=self.record,
            fingerprint="f",
        )
        self.started.append(found)
        return found

    def end(self) -> None:
        for known in self.started:
            with suppress(ProcessLookupError):
                os.killpg(known.pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(known.pid, 0)


@pytest.fixture
def daemons(tmp_path: Path) -> Iterator[Daemons]:
    made = Daemons(tmp_path)
    yield made
    made.end()


def logged(daemons: Daemons, text: str, started: Record) -> None:
    processes.wait_until(
        lambda: daemons.log.exists() and text in daemons.log.read_text(),
        started,
        name="it",
        log=daemons.log,
    )


def test_a_started_process_is_remembered_and_alive(daemons: Daemons) -> None:
    started = daemons.start("exec sleep 60")
    assert processes.read_record(daemons.record) == started
    assert started.alive


def test_it_leads_a_session_of_its_own_and_holds_no_file_of_ours(
    daemons: Daemons, tmp_path: Path
) -> None:
    with (tmp_path / "inherited").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        started = daemons.start("echo ready; exec sleep 60")
        logged(daemons, "ready", started)
        folder = Path(f"/proc/{started.pid}/fd")
        files = {str((folder / number).readlink()) for number in ("0", "1", "2")}
        others = set()
        for path in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                others.add(str(path.readlink()))
    assert os.getsid(started.pid) == started.pid
    assert files == {"/dev/null", str(daemons.log)}
    assert held.name not in others


def test_a_later_process_of_the_same_number_is_not_taken_for_it(daemons: Daemons) -> None:
    started = daemons.start("exec sleep 60")
    other = replace(started, born=started.born + "0")
    daemons.record.write_text(f'{{"pid": {other.pid}, "born": "{other.born}", "fingerprint": "f"}}')
    assert not other.alive
    assert processes.stop(daemons.record) is None
    assert started.alive
    assert not daemons.record.exists()


@pytest.mark.parametrize("text", ["", "12", "{}", '{"pid": 1}', "[1]"])
def test_a_record_that_cannot_be_read_counts_as_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "it.pid"
    path.write_text(text)
    assert processes.read_record(path) is None
    assert processes.stop(path) is None


def test_a_process_that_only_left_its_status_is_dead(daemons: Daemons) -> None:
    started = daemons.start("exit 3")
    os.waitid(os.P_PID, started.pid, os.WEXITED | os.WNOWAIT)
    assert not started.alive


def test_a_process_whose_first_thread_ended_before_the_others_is_alive(daemons: Daemons) -> None:
    code = (
        "import ctypes, os, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        # exit(2) of this thread alone
        "ctypes.CDLL(None).syscall({'x86_64': 60}.get(os.uname().machine, 93), 0)\n"
    )
    started = daemons.start(f'exec {sys.executable} -c "{code}"')
    state = Path(f"/proc/{started.pid}/stat")
    assert processes.until(lambda: state.read_text().rpartition(")")[2].split()[0] == "Z", 20)
    assert started.alive, "its ports are still taken"
    assert processes.stop(daemons.record, patience=0.2) == started
    assert not started.alive


def test_stop_ends_it_and_what_it_started(daemons: Daemons) -> None:
    # The child is in a session of its own, as a container is: no signal to the group reaches it.
    started = daemons.start("setsid sleep 60 & echo child $!; wait")
    logged(daemons, "child", started)
    family = processes.descendants(started.pid)
    assert processes.stop(daemons.record) == started
    assert family
    assert all(processes.birth(pid) != born for pid, born in family.items())
    assert not daemons.record.exists()


def test_one_that_ignores_the_request_is_killed(daemons: Daemons) -> None:
    started = daemons.start("trap '' TERM; echo deaf; while :; do sleep 1; done")
    logged(daemons, "deaf", started)
    assert processes.stop(daemons.record, patience=0.2) == started
    assert not started.alive


def test_a_log_begins_with_the_start(daemons: Daemons) -> None:
    logged(daemons, "first", daemons.start("echo first; exec sleep 60"))
    logged(daemons, "second", daemons.start("echo second; exec sleep 60"))
    assert "first" not in daemons.log.read_text()


def test_one_that_ends_at_once_is_reported_with_the_end_of_its_log(daemons: Daemons) -> None:
    started = daemons.start("echo no such file >&2; exit 1")
    with pytest.raises(TroubleError, match=r"(?s)the thing ended.*it\.log.*no such file"):
        processes.wait_until(lambda: False, started, name="the thing", log=daemons.log)
