"""Calls of the engine: its output and signals are the user's, its exit status is ours."""

import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from fleet.console import TroubleError, say, show, tail_of
from fleet.local import run_report, status, truncated_state
from fleet.local.child_environment import run as run_quietly
from fleet.local.paths import Checkout
from fleet.local.run_display import RunDisplay
from fleet.local.terminal import Terminal
from fleet.reports.report import Report

_LOOK_SECONDS = 0.2
_ENDING = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
_INTERRUPTED = (
    "interrupted: the engine ends what is under way (another interrupt ends it at once, and "
    "leaves the state locked)"
)
_LOST = "Repair that and rerun; if the state was lost: docs/runbook.md#the-state-is-lost"
_LOCKED = "the stack is currently locked"
_UNLOCK = "If the run that has the lock did not give it up: docs/runbook.md#the-state-is-locked"


def select(checkout: Checkout, pulumi: Path, stack: str, env: Mapping[str, str]) -> None:
    """Make ``stack`` the selected one, and make it if the backend lacks it.

    :raises TroubleError: when the backend can't be reached or refuses, or the state is not whole:
        the engine selects that too, and fails at all that comes after.
    """
    if broken := truncated_state.remedy(checkout.root, stack, env):
        raise TroubleError(f"the state of {stack} can't be read.\n{broken}")
    argv = [str(pulumi), "stack", "select", "--create", stack, "--non-interactive"]
    _ask(checkout, argv, stack, env, failed=f"could not select the stack {stack}")


@dataclass(frozen=True, kw_only=True)
class Ran:
    """The end of one run: the exit status, and the report if there is one."""

    code: int
    report: Report | None


def run(checkout: Checkout, argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Return the exit status of ``argv``, as `attempt` runs it; print and write its report.

    :raises TroubleError: when the report can't be written where ``FLEET_REPORT`` says.
    """
    ran = attempt(checkout, argv, env)
    if ran.report:
        run_report.show(ran.report)
        run_report.write(ran.report)
    return ran.code


def attempt(
    checkout: Checkout,
    argv: Sequence[str],
    env: Mapping[str, str],
    display: RunDisplay | None = None,
    *,
    aside: bool = False,
) -> Ran:
    """Return what became of ``argv``, run in the checkout.

    What is shown meanwhile is what ``display`` (by default one that expects no build) makes of the
    engine's event log. What the engine itself prints, each thing several times, is left out. A
    terminal that is closed and SIGTERM are an interrupt: the engine ends what it does in order, and
    gives up its lock.

    The event log, which may hold what a log should not, is removed afterwards; a run that left no
    sound one has failed. With ``aside``, all goes to stderr, for stdout gets the report as data.
    """
    terminal, display = Terminal(data=aside), display or RunDisplay()
    with _asked_to_end() as asked, tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        log, printed = Path(folder) / "events.json", Path(folder) / "printed"
        with (
            printed.open("wb") as output,
            _started(
                [*argv, "--event-log", str(log)],
                cwd=checkout.root,
                # The event log is an option for debugging.
                env={**env, "PULUMI_DEBUG_COMMANDS": "true"},
                stdout=output,
                stderr=subprocess.STDOUT,
            ) as process,
        ):
            code = _ended(process, log, display, terminal, asked)
        text = printed.read_text(encoding="utf-8", errors="backslashreplace")
        terminal.show(display.left_over(text, failed=bool(code)))
        if code and _LOCKED in text:
            terminal.show([_UNLOCK])
        report = run_report.read(log)
    if report is None and not code:
        say("error: the engine left no event log that says what it did: it counts as failed")
        code = 1
    return Ran(code=code, report=report)


@contextmanager
def _asked_to_end() -> Iterator[list[int]]:
    """Note the signals that ask for an end; one that is ignored (``nohup``) stays ignored.

    Each counts as an interrupt for who handles those outside: after it, no other stack begins.
    """
    asked: list[int] = []
    before = {number: signal.getsignal(number) for number in _ENDING}
    before = {number: was for number, was in before.items() if was != signal.SIG_IGN}

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        outside = before.get(signal.SIGINT)
        if callable(outside):
            with suppress(KeyboardInterrupt):
                outside(signal.SIGINT, frame)

    for number in before:
        signal.signal(number, note)
    try:
        yield asked
    finally:
        for number, was in before.items():
            signal.signal(number, was)


def _started(argv: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":
    """Start ``argv`` with hangups ignored, for its own and for what it starts.

    A hangup would end the engine at once, with its lock held.
    """
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        return subprocess.Popen(argv, **options)
    finally:
        signal.signal(signal.SIGHUP, before)


def _ended(
    process: "subprocess.Popen[bytes]",
    log: Path,
    display: RunDisplay,
    terminal: Terminal,
    asked: list[int],
) -> int:
    """Return the exit status; until then show what the event log tells, and interrupt if asked."""
    passed_on = False
    with closing(_events(log)) as tail:
        while True:
            code = process.poll()
            for event in next(tail):
                terminal.show(display.lines(event))
            if code is not None:
                terminal.progress("")
                return code
            while asked:
                terminal.show([_INTERRUPTED])
                # A terminal's own interrupt went to both. Of the others one is passed on, for twice
                # is an order to stop at once, and shell and kernel may both send a hangup.
                if asked.pop() != signal.SIGINT and not passed_on:
                    process.send_signal(signal.SIGINT)
                    passed_on = True
            terminal.progress(display.progress(time.time()))
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_SECONDS)


def _events(log: Path) -> Generator[list[dict[str, Any]], None, None]:
    """Yield at each look the events that ``log`` has more; a line that has no end yet is left."""
    while not log.exists():
        yield []
    begun = b""
    with log.open("rb") as file:
        while True:
            *lines, begun = (begun + file.read()).split(b"\n")
            found = [_parsed(line) for line in lines]
            yield [event for event in found if isinstance(event, dict)]


def _parsed(line: bytes) -> Any:
    # What is no JSON is the report's to complain about.
    with suppress(ValueError):
        return json.loads(line)
    return None


def outputs(checkout: Checkout, pulumi: Path, stack: str, env: Mapping[str, str]) -> dict[str, Any]:
    """Return the stack's outputs, none when it was never brought up.

    :raises TroubleError: when the backend can't be reached or refuses.
    """
    argv = [str(pulumi), "stack", "output", "--json", "--stack", stack]
    failed = f"could not read the outputs of {stack}"
    return dict(json.loads(_ask(checkout, argv, stack, env, failed=failed) or "{}"))


def exported(checkout: Checkout, pulumi: Path, stack: str, env: Mapping[str, str]) -> str | None:
    """Return the state of ``stack`` as JSON, None where the backend has no such stack.

    :raises TroubleError: when the backend can't be reached or refuses.
    """
    argv = [str(pulumi), "stack", "export", "--stack", stack, "--non-interactive"]
    failed = f"could not read the state of {stack}"
    return _ask(checkout, argv, stack, env, failed=failed)


def print_status(checkout: Checkout, pulumi: Path, stack: str, env: Mapping[str, str]) -> None:
    """Print the table of the stack's tags and pointers on stdout.

    An engine that is not there yet has brought up nothing.

    :raises TroubleError: when the backend can't be reached or refuses.
    """
    show(status.render(outputs(checkout, pulumi, stack, env) if pulumi.exists() else {}))


def _ask(
    checkout: Checkout, argv: Sequence[str], stack: str, env: Mapping[str, str], *, failed: str
) -> str | None:
    """Return what ``argv`` prints, None where the backend has no such stack.

    :raises TroubleError: with ``failed``, its last lines, and how to repair the state of ``stack``.
    """
    checkout.make_state()
    # A state in files needs a folder, even to be found empty.
    (checkout.state / "state").mkdir(exist_ok=True)
    result = run_quietly(argv, cwd=checkout.root, env=env)
    if result.returncode == 0:
        return result.stdout
    if "no stack named" in result.stderr:
        return None
    remedy = truncated_state.remedy(checkout.root, stack, env) or _LOST
    lines = [f"pulumi {failed}:", tail_of(result.stderr), remedy]
    raise TroubleError("\n".join(filter(None, lines)))
