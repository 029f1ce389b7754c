"""The stack's state as the engine exports it, read without making or starting anything."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from fleet.console import TroubleError, tail_of
from fleet.declaration.model import Declaration
from fleet.declaration.split import FleetStack
from fleet.local import backend, environment, truncated_state
from fleet.local.paths import Checkout
from fleet.local.requirements import needs_of
from fleet.overview.recorded_state import Known, joined, parse_known

_NO_STACK = "no stack named"


def read_known(
    here: Checkout, stack: str, declaration: Declaration, stacks: Sequence[FleetStack] = ()
) -> Known:
    """Return what the state of ``stack`` knows, or those of ``stacks`` that it was split into.

    :raises TroubleError: when there is a state that can't be read, or a loopback registry is
        declared without a port.
    """
    needs = needs_of(declaration, stack)
    try:
        backend.require(here, needs, os.environ)
    except TroubleError as error:
        return Known(lacking=str(error).rstrip("."))
    env = environment.complete(here, needs)
    return joined([_exported(here, name, env) for name in [s.name for s in stacks] or [stack]])


def _exported(here: Checkout, stack: str, env: Mapping[str, str]) -> Known:
    """Run the engine with a home that is thrown away: it writes a log of every command there.

    A login to a service is kept in the home, so a backend of that kind needs the real one.
    """
    none_yet = Known(lacking=f"stack {stack} was never brought up")
    if _is_unused(here.root, env[backend.VARIABLE]):
        return none_yet
    pulumi = shutil.which("pulumi", path=env.get("PATH"))
    if pulumi is None:
        return Known(lacking="there is no pulumi on PATH yet")
    argv = [pulumi, "stack", "export", "--stack", stack, "--non-interactive"]
    with tempfile.TemporaryDirectory(prefix="fleet-overview-") as home:
        apart = {} if env[backend.VARIABLE].startswith("http") else {"PULUMI_HOME": home}
        done = subprocess.run(
            argv,
            cwd=here.root,
            env={**env, **apart},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode == 0:
        return parse_known(done.stdout)
    if _NO_STACK in done.stderr:
        return none_yet
    text = f"the state of stack {stack} can't be read:\n{tail_of(done.stderr)}"
    lost = "Repair that and rerun; if the state was lost, run `make adopt`"
    raise TroubleError(f"{text}\n{truncated_state.remedy(here.root, stack, env) or lost}")


def _is_unused(root: Path, url: str) -> bool:
    """Tell whether ``url`` is a folder that the engine would first have to furnish."""
    scheme, separator, path = url.partition("://")
    folder = root / Path(path.partition("?")[0]).expanduser()
    return bool(separator) and scheme == "file" and not (folder / ".pulumi").is_dir()
