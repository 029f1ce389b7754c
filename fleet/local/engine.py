"""Calls of the engine: its output and signals are the user's, its exit status is ours."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from fleet.console import TroubleError, hush, tail_of
from fleet.local import run_report, status, truncated_state
from fleet.local.engine_output import OutputFilter
from fleet.local.hangup import passed_on_hangup
from fleet.local.paths import Checkout

_NO_STACK = "no stack named"


def select(checkout: Checkout, pulumi: Path, stack: str, env: Mapping[str, str]) -> None:
    """Make ``stack`` the selected one, and make it if the backend lacks it.

    :raises TroubleError: when the backend can't be reached or refuses, or the state is not whole:
        the engine selects that too, and fails at all that comes after.
    """
    if broken := truncated_state.remedy(checkout.root, stack, env):
        raise TroubleError(f"the state of {stack} can't be read.\n{broken}")
    argv = [str(pulumi), "stack", "select", "--create", stack, "--non-interactive"]
    result = _ask(checkout, argv, env)
    if result.returncode:
        raise _trouble(checkout, f"could not select the stack {stack}", stack, env, result)


def run(checkout: Checkout, argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Return the exit status of ``argv``, run in the checkout on the user's own terminal.

    Where that is none, what it prints is passed on through an
    :class:`fleet.local.engine_output.OutputFilter`. A terminal that is closed is an interrupt: the
    engine ends what it does in order, and gives up its lock.

    The engine's event log, which may hold what a log should not, is removed once the run's report
    is made of it.

    :raises TroubleError: when the report can't be written where ``FLEET_REPORT`` says.
    """
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        log = Path(folder) / "events.json"
        code = _run(checkout, [*argv, "--event-log", str(log)], run_report.logging(env))
        run_report.conclude(log)
    return code


def _run(checkout: Checkout, argv: Sequence[str], env: Mapping[str, str]) -> int:
    sys.stdout.flush()
    pipe = None if sys.stdout.isatty() else subprocess.PIPE
    with (
        passed_on_hangup() as passing,
        subprocess.Popen(
            argv,
            cwd=checkout.root,
            env=dict(env),
            stdout=pipe,
            text=True,
            errors="backslashreplace",
        ) as process,
    ):
        passing(process)
        output = OutputFilter()
        while True:
            try:
                if process.stdout:
                    _pass_on(process.stdout, output)
                return process.wait()
            except KeyboardInterrupt:
                # The terminal interrupted both: the engine ends what it does in its own order.
                continue


def _pass_on(lines: IO[str], output: OutputFilter) -> None:
    """Print what is worth it, and read on where nobody reads that any more."""
    while line := lines.readline():
        text = line.rstrip("\n")
        before = output.before(text)
        if output.shows(text):
            try:
                print(*(f"{each}\n" for each in before), line, sep="", end="", flush=True)
            except OSError:
                hush()


def outputs(checkout: Checkout, pulumi: Path, stack: str, env: Mapping[str, str]) -> dict[str, Any]:
    """Return the stack's outputs, none when it was never brought up.

    :raises TroubleError: when the backend can't be reached or refuses.
    """
    argv = [str(pulumi), "stack", "output", "--json", "--stack", stack]
    result = _ask(checkout, argv, env)
    if result.returncode == 0:
        return dict(json.loads(result.stdout or "{}"))
    if _NO_STACK in result.stderr:
        return {}
    raise _trouble(checkout, f"could not read the outputs of {stack}", stack, env, result)


def exported(checkout: Checkout, pulumi: Path, stack: str, env: Mapping[str, str]) -> str | None:
    """Return the state of ``stack`` as JSON, None where the backend has no such stack.

    :raises TroubleError: when the backend can't be reached or refuses.
    """
    argv = [str(pulumi), "stack", "export", "--stack", stack, "--non-interactive"]
    result = _ask(checkout, argv, env)
    if result.returncode == 0:
        return result.stdout
    if _NO_STACK in result.stderr:
        return None
    raise _trouble(checkout, f"could not read the state of {stack}", stack, env, result)


def _trouble(
    checkout: Checkout,
    what: str,
    stack: str,
    env: Mapping[str, str],
    result: subprocess.CompletedProcess[str],
) -> TroubleError:
    remedy = truncated_state.remedy(checkout.root, stack, env)
    lines = [f"pulumi {what}:", tail_of(result.stderr), remedy]
    return TroubleError("\n".join(filter(None, lines)))


def _ask(
    checkout: Checkout, argv: Sequence[str], env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run ``argv`` in the checkout; a state in files needs a folder, even to be found empty."""
    checkout.make_state()
    (checkout.state / "state").mkdir(exist_ok=True)
    return subprocess.run(
        argv, cwd=checkout.root, env=dict(env), check=False, capture_output=True, text=True
    )


def print_status(checkout: Checkout, pulumi: Path, stack: str, env: Mapping[str, str]) -> None:
    """Print the table of the stack's tags and pointers on stdout.

    An engine that is not there yet has brought up nothing.

    :raises TroubleError: when the backend can't be reached or refuses.
    """
    print(status.render(outputs(checkout, pulumi, stack, env) if pulumi.exists() else {}))
