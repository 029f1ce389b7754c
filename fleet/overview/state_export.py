"""The stack's state as the engine exports it, read without making or starting anything."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from fleet.console import TroubleError
from fleet.declaration.model import Declaration
from fleet.declaration.split import FleetStack
from fleet.local import backend, engine, environment
from fleet.local.paths import Checkout
from fleet.local.requirements import needs_of
from fleet.overview.recorded_state import Known, joined, parse_known


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
    none_yet = Known(lacking=f"stack {stack} was never brought up")
    if _is_unused(here.root, env):
        return none_yet
    pulumi = shutil.which("pulumi", path=env.get("PATH"))
    if pulumi is None:
        return Known(lacking="there is no pulumi on PATH yet")
    exported = engine.exported(here, Path(pulumi), stack, env)
    return none_yet if exported is None else parse_known(exported)


def _is_unused(root: Path, env: Mapping[str, str]) -> bool:
    """Tell whether the backend is a folder that the engine would first have to furnish."""
    folder = backend.folder(root, env)
    return folder is not None and not (folder / ".pulumi").is_dir()
