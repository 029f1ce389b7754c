"""The checks of a running server fail when they should, against servers that break one promise."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.assets.verifying import load, scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("stub_server")


def answered(report: Any, **settings: str) -> None:
    serving = load("serving")
    serving.run(scenario(**settings), report, lambda s: serving.answered(s, "case", report))


def test_an_answer_is_ok(report: Any) -> None:
    answered(report)
    assert report.failures == []


def test_an_error_fails_and_the_output_is_kept(report: Any) -> None:
    answered(report, TELLS="what the server said", STATUS="500")
    assert len(report.failures) == 1
    assert "what the server said" in report.summary()


def test_a_server_that_ends_fails_with_its_status(report: Any) -> None:
    answered(report, ENDS="no application")
    assert "ended with status 1 instead of an HTTP answer" in report.failures[0]
    assert "no application" in report.summary()


def test_a_server_that_stays_silent_fails(report: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load("server"), "READY_SECONDS", 0.3)
    silent = load("serving").Scenario("case", {"BODY": "", "PORT": "0"}, scenario().port)
    serving = load("serving")
    serving.run(silent, report, lambda s: serving.answered(s, "case", report))
    assert "not an HTTP answer within" in report.failures[0]


def test_a_start_script_that_cannot_run_fails(report: Any, tmp_path: Path) -> None:
    (tmp_path / "start.sh").chmod(0o644)
    answered(report)
    assert "/start.sh starts: expected a process" in report.failures[0]


def test_sigterm_that_ends_all_is_ok(report: Any) -> None:
    serving = load("serving")

    def look(server: Any) -> None:
        server.answer()
        serving.check_stop(server, "case", report)

    serving.run(scenario(), report, look)
    assert report.failures == []


@pytest.mark.parametrize("settings", [{"DEAF": "1"}, {"CHILDREN": "1"}], ids=["deaf", "orphans"])
def test_processes_that_outlive_sigterm_fail_and_are_killed(
    report: Any, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = load("serving")
    monkeypatch.setattr(serving, "STOP_SECONDS", 0.5)
    left: list[int] = []

    def look(server: Any) -> None:
        server.answer()
        serving.check_stop(server, "case", report)
        left.extend(server.members())

    serving.run(scenario(**settings), report, look)
    assert "SIGTERM ends every process" in report.failures[0]
    assert len(left) == 1
    wait_until_gone(left[0])


@pytest.mark.parametrize(("deaf", "failed"), [("DEAF_ONCE", 0), ("DEAF", 1)])
def test_a_reloader_that_hangs_is_started_once_more(
    report: Any, deaf: str, failed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = load("serving")
    monkeypatch.setattr(serving, "STOP_SECONDS", 0.5 if failed else 2)
    first: list[int] = []

    def look(server: Any) -> None:
        server.answer()
        first.append(server.process.pid)
        serving.check_reloader_stop(server, "case", report)

    serving.run(scenario(**{deaf: str(tmp_path / "once")}), report, look)
    assert len(report.failures) == failed
    assert ("output in 'case, once more'" in report.summary()) == bool(failed)
    wait_until_gone(first[0])


@pytest.fixture
def process_one() -> Iterator[None]:
    """Orphans come to this process, as to process 1 (prctl(2), PR_SET_CHILD_SUBREAPER)."""
    prctl = ctypes.CDLL(None).prctl
    assert prctl(36, 1) == 0
    yield
    prctl(36, 0)


@pytest.mark.usefixtures("process_one")
def test_an_orphan_that_ended_is_taken_in_so_that_its_group_is_seen_to_end(
    report: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = load("serving")
    monkeypatch.setattr(serving, "STOP_SECONDS", 0.5)
    groups: list[int] = []

    def look(server: Any) -> None:
        server.answer()
        groups.append(server.process.pid)
        serving.check_stop(server, "case", report)

    serving.run(scenario(CHILDREN="1"), report, look)
    with pytest.raises(ProcessLookupError):
        os.killpg(groups[0], 0)


def wait_until_gone(pid: int) -> None:
    """The kernel ends a killed process soon, not at once; the test fails when it never does."""
    deadline = time.monotonic() + 30
    while alive(pid):
        assert time.monotonic() < deadline, pid
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("tells", "failed"),
    [("PORT is wrong", 0), ("something else", 1), ("PORT is wrong\nTraceback (most", 1)],
)
def test_a_refusal_needs_its_words_and_no_traceback(report: Any, tells: str, failed: int) -> None:
    load("refusals").refused(scenario(ENDS=tells), "PORT is wrong", report)
    assert len(report.failures) == failed


def test_a_start_that_should_fail_but_does_not_is_a_failure(
    report: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load("server"), "READY_SECONDS", 0.5)
    load("refusals").refused(scenario(TELLS="PORT is wrong"), "PORT is wrong", report)
    assert report.failures[0] == "FAILED: case: the start fails: expected 1, saw None"


def test_an_absent_example_fails(report: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = load("refusals")
    monkeypatch.setattr(refusals, "REFUSED", ())
    refusals.run_refusals(report)
    assert "the example application is there" in report.failures[0]


def test_files_of_a_scenario_are_gone_afterwards(tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    with load("serving").Files({"app/main.py": "x", "prestart.sh": "y"}):
        assert (tmp_path / "app" / "main.py").read_text() == "x"
    assert sorted(tmp_path.rglob("*")) == before
