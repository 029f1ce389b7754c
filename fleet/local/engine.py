"""Calls of the engine: its output and signals are the user's, its exit status is ours."""

import json
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from fleet.console import TroubleError, pass_on, show, tail_of
from fleet.local import run_report, status, truncated_state
from fleet.local.child_environment import run as run_quietly
from fleet.local.engine_output import OutputFilter
from fleet.local.paths import Checkout

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


def run(checkout: Checkout, argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Return the exit status of ``argv``, run in the checkout on the user's own terminal.

    Where that is none, what it prints is passed on through an
    :class:`fleet.local.engine_output.OutputFilter`. A terminal that is closed is an interrupt: the
    engine ends what it does in order, and gives up its lock.

    The engine's event log, which may hold what a log should not, is removed once the run's report
    is made of it.

    :raises TroubleError: when the report can't be written where ``FLEET_REPORT`` says.
    """
    sys.stdout.flush()
    pipe = None if sys.stdout.isatty() else subprocess.PIPE
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        log = Path(folder) / "events.json"
        with _started(
            [*argv, "--event-log", str(log)],
            cwd=checkout.root,
            # The event log is an option for debugging.
            env={**env, "PULUMI_DEBUG_COMMANDS": "true"},
            stdout=pipe,
            text=True,
            errors="backslashreplace",
        ) as process:
            code = _ended(process)
        run_report.conclude(log)
    return code


@contextmanager
def _started(argv: Sequence[str], **options: Any) -> Iterator["subprocess.Popen[str]"]:
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


def _ended(process: "subprocess.Popen[str]") -> int:
    """Return the exit status; until then print what is worth it, and read on in any case."""
    output = OutputFilter()
    while True:
        try:
            while process.stdout and (line := process.stdout.readline()):
                for each in output.shown(line.rstrip("\n")):
                    pass_on(each)
            return process.wait()
        except KeyboardInterrupt:
            # The terminal interrupted both: the engine ends what it does in its own order.
            continue


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
