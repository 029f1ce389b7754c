"""Calls of the engine: its output and signals are the user's, its exit status is ours."""

import json
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from fleet.console import TroubleError, show, tail_of
from fleet.local import run_report, status, truncated_state
from fleet.local.child_environment import run as run_quietly
from fleet.local.event_tail import EventTail
from fleet.local.paths import Checkout
from fleet.local.run_display import RunDisplay
from fleet.local.terminal import Terminal

_LOOK_SECONDS = 0.2
_INTERRUPTED = (
    "interrupted: the engine ends what is under way (another interrupt ends it at once, and "
    "leaves the state locked)"
)
_LOST = "Repair that and rerun; if the state was lost, run `make adopt`"


def select(checkout: Checkout, pulumi: Path, stack: str, env: Mapping[str, str]) -> None:
    """Make ``stack`` the selected one, and make it if the backend lacks it.

    :raises TroubleError: when the backend can't be reached or refuses, or the state is not whole:
        the engine selects that too, and fails at all that comes after.
    """
    if broken := truncated_state.remedy(checkout.root, stack, env):
        raise TroubleError(f"the state of {stack} can't be read.\n{broken}")
    argv = [str(pulumi), "stack", "select", "--create", stack, "--non-interactive"]
    _ask(checkout, argv, stack, env, failed=f"could not select the stack {stack}")


def run(
    checkout: Checkout,
    argv: Sequence[str],
    env: Mapping[str, str],
    display: RunDisplay | None = None,
    *,
    as_json: bool = False,
) -> int:
    """Return the exit status of ``argv``, run in the checkout; print its report at the end.

    What is shown meanwhile is what ``display`` (by default one that expects no build) makes of the
    engine's event log. What the engine itself prints, each thing several times, is left out. A
    terminal that is closed is an interrupt: the engine ends what it does in order, and gives up its
    lock.

    The event log, which may hold what a log should not, is removed afterwards. With ``as_json``,
    stdout gets the report as data, and all else goes to stderr.

    :raises TroubleError: when the report can't be written where ``FLEET_REPORT`` says.
    """
    terminal, display = Terminal(data=as_json), display or RunDisplay()
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
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
            code = _ended(process, log, display, terminal)
        text = printed.read_text(encoding="utf-8", errors="backslashreplace")
        terminal.show(display.left_over(text, failed=bool(code)))
        run_report.conclude(log, as_json=as_json)
    return code


@contextmanager
def _started(argv: Sequence[str], **options: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """Start ``argv``, which a closed terminal (SIGHUP) interrupts (SIGINT).

    A hangup would end the engine at once, with its lock held. A child that is started while
    hangups are ignored ignores them too, as does what it starts. A hangup that is ignored already
    (``nohup``) stays ignored.
    """
    before = signal.getsignal(signal.SIGHUP)
    is_ours = before != signal.SIG_IGN and threading.current_thread() is threading.main_thread()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        # Once: shell and kernel may both send it, and twice is an order to stop at once.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        process.send_signal(signal.SIGINT)

    if is_ours:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with subprocess.Popen(argv, **options) as process:
            if is_ours:
                signal.signal(signal.SIGHUP, interrupt)
            yield process
    finally:
        if is_ours:
            signal.signal(signal.SIGHUP, before)


def _ended(
    process: "subprocess.Popen[bytes]", log: Path, display: RunDisplay, terminal: Terminal
) -> int:
    """Return the exit status; until then show what the event log tells."""
    with EventTail(log) as tail:
        while True:
            try:
                code = process.poll()
                for event in tail.read():
                    terminal.show(display.lines(event))
                if code is not None:
                    terminal.progress("")
                    return code
                terminal.progress(display.progress(time.time()))
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_SECONDS)
            except KeyboardInterrupt:
                # The terminal interrupted both: the engine ends what it does in its own order.
                terminal.show([_INTERRUPTED])


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
