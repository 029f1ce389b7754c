"""The stack's state as the engine exports it, read without making or starting anything."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet.console import TroubleError, tail_of
from fleet.declaration.model import Declaration
from fleet.declaration.split import FleetStack
from fleet.local import backend, environment, truncated_state
from fleet.local.paths import Checkout
from fleet.local.requirements import needs_of
from fleet.overview.recorded_state import Known, joined, parse_known

_NO_STACK = "no stack named"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the state knows; where there is none, or one of several lacks, ``lacking`` says why."""

    known: Known
    lacking: str = ""


def read_known(
    here: Checkout, stack: str, declaration: Declaration, stacks: Sequence[FleetStack] = ()
) -> Reading:
    """Return what the state of ``stack`` knows, or those of ``stacks`` that it was split into.

    :raises TroubleError: when there is a state that can't be read, or a loopback registry is
        declared without a port.
    """
    needs = needs_of(declaration, stack)
    try:
        backend.require(here, needs, os.environ)
    except TroubleError as error:
        return Reading(known=Known(), lacking=str(error).rstrip("."))
    env = environment.complete(here, needs)
    names = [each.name for each in stacks] or [stack]
    found = [_exported(here, name, env) for name in names]
    return Reading(
        known=joined([reading.known for reading in found]),
        lacking="; ".join(dict.fromkeys(r.lacking for r in found if r.lacking)),
    )


def _exported(here: Checkout, stack: str, env: Mapping[str, str]) -> Reading:
    none_yet = f"stack {stack} was never brought up"
    if _is_unused(here.root, env[backend.VARIABLE]):
        return Reading(known=Known(), lacking=none_yet)
    pulumi = shutil.which("pulumi", path=env.get("PATH"))
    if pulumi is None:
        return Reading(known=Known(), lacking="there is no pulumi on PATH yet")
    argv = [pulumi, "stack", "export", "--stack", stack, "--non-interactive"]
    done = _run_apart(argv, here.root, env)
    if done.returncode == 0:
        return Reading(known=parse_known(done.stdout))
    if _NO_STACK in done.stderr:
        return Reading(known=Known(), lacking=none_yet)
    text = f"the state of stack {stack} can't be read:\n{tail_of(done.stderr)}"
    lost = "Repair that and rerun; if the state was lost, run `make adopt`"
    raise TroubleError(f"{text}\n{truncated_state.remedy(here.root, stack, env) or lost}")


def _run_apart(
    argv: list[str], root: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run the engine with a home that is thrown away: it writes a log of every command there.

    A login to a service is kept in the home, so a backend of that kind needs the real one.
    """
    with tempfile.TemporaryDirectory(prefix="fleet-overview-") as home:
        apart = {} if env[backend.VARIABLE].startswith("http") else {"PULUMI_HOME": home}
        return subprocess.run(
            argv, cwd=root, env={**env, **apart}, capture_output=True, text=True, check=False
        )


def _is_unused(root: Path, url: str) -> bool:
    """Tell whether ``url`` is a folder that the engine would first have to furnish."""
    scheme, separator, path = url.partition("://")
    folder = root / Path(path.partition("?")[0]).expanduser()
    return bool(separator) and scheme == "file" and not (folder / ".pulumi").is_dir()
