"""One command for several stacks: whose turn comes, and what a failure stops."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fleet.console import TroubleError
from fleet.declaration.split import FleetStack
from fleet.http.errors import UnreachableError
from fleet.local import run_stacks


def stack(name: str, *after: str, github: bool = False) -> FleetStack:
    images = () if github else (name,)
    return FleetStack(name=name, images=images, after=after, github=github)


STACKS = (
    stack("base"), stack("lone"), stack("top", "base"), stack("higher", "top"),
    stack("github", github=True),
)  # fmt: skip


def took(run: Callable[[str], int], *, builds: bool = False) -> tuple[int, list[str]]:
    """Return the status, and the stacks whose turn came."""
    seen: list[str] = []

    def noted(name: str) -> int:
        seen.append(name)
        return run(name)

    return run_stacks.take(STACKS, noted, builds=builds), seen


def test_each_has_its_turn_in_order() -> None:
    names = ["base", "lone", "top", "higher", "github"]
    assert took(lambda _: 0) == (0, names)
    assert took(lambda name: 3 if name == "base" else 0) == (3, names)


def test_what_builds_on_a_stack_that_failed_is_left_out_and_all_others_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, seen = took(lambda name: 3 if name == "base" else 0, builds=True)
    assert (code, seen) == (3, ["base", "lone", "github"])
    told = capsys.readouterr().err
    assert "stack top is left out: base failed" in told
    assert "stack higher is left out: top failed" in told
    assert "3 of 5 stacks failed: base, top, higher" in told


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TroubleError("not a builder"), 1),
        (OSError("full"), 1),
        (UnreachableError("no route"), 1),
        (subprocess.CalledProcessError(4, "inputs"), 4),
    ],
)
def test_what_stands_in_the_way_of_one_is_told_and_stops_no_other(
    error: Exception, code: int
) -> None:
    def run(name: str) -> int:
        if name == "lone":
            raise error
        return 0

    assert took(run) == (code, ["base", "lone", "top", "higher", "github"])


def test_after_an_interrupt_no_other_begins(capsys: pytest.CaptureFixture[str]) -> None:
    """The engine is told as well, ends what it does, and only its status tells us."""
    before = signal.getsignal(signal.SIGINT)

    def run(name: str) -> int:
        if name == "lone":
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                return 0
        return 0

    code, seen = took(run)
    assert (code, seen) == (1, ["base", "lone"])
    assert "interrupted before stack top" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before


def test_each_writes_files_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_REPORT", str(tmp_path / "report.json"))
    monkeypatch.delenv("PULUMI_OPTION_EVENT_LOG", raising=False)
    found = []

    def run(_: str) -> int:
        found.append(os.environ["FLEET_REPORT"])
        return 0

    took(run)
    assert found[:2] == [str(tmp_path / f"report.{name}.json") for name in ("base", "lone")]
    assert os.environ["FLEET_REPORT"] == str(tmp_path / "report.json")
    assert "PULUMI_OPTION_EVENT_LOG" not in os.environ
