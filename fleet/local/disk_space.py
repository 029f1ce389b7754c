"""Room on the disk: a state that is written onto a full one is lost."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from fleet.console import TroubleError
from fleet.local import backend
from fleet.local.docker import record
from fleet.local.paths import Checkout
from fleet.local.reach import nearest
from fleet.local.requirements import Needs
from fleet.units import in_units

FOR_STATE = 256 * 10**6
"""Bytes that have to be free where a state is written: several times the largest one seen."""

FOR_DAEMONS = 2 * 10**9
"""Bytes that have to be free for the registry's and the builder's data beside it."""

BUILDER_KEEPS = 20 * 10**9
"""Bytes that the builder's cache holds at most."""


def require(checkout: Checkout, needs: Needs, env: Mapping[str, str]) -> None:
    """Return when there is room for the state, and for the data of what runs on this machine.

    :raises TroubleError: naming the folder, what is free there, and what has to be.
    """
    here = needs.anything and not record.endpoint(checkout)
    wanted = [(nearest(checkout.state), FOR_DAEMONS)] if here else []
    # That of the embedded stack need not be named in the shell.
    state = checkout.state if needs.port is not None else backend.folder(checkout.root, env)
    if state:
        wanted.append((nearest(state), FOR_STATE))
    _require(wanted)


def require_for_containers(root: Path | None) -> None:
    """Return when there is room where a Docker engine has its data, or that can't be seen.

    :raises TroubleError: as `require` does.
    """
    _require([(root, FOR_DAEMONS)] if root else [])


def _require(wanted: Sequence[tuple[Path, int]]) -> None:
    for path in dict.fromkeys(path for path, _ in wanted):
        # What lies on one file system takes of the same room.
        least = sum(n for other, n in wanted if device(other) == device(path))
        free = shutil.disk_usage(path).free
        if free < least:
            raise TroubleError(
                f"{in_units(free)} are free where {path} lies, and at least {in_units(least)} are "
                "needed to start: on a full disk the state of the stack is lost.\nMake room there "
                f"(df -h {path}) and rerun."
            )


def free(path: Path) -> int:
    """Return the bytes that are free where ``path`` lies or will lie."""
    return shutil.disk_usage(nearest(path)).free


def device(path: Path) -> int:
    """Return the number of the file system that ``path`` lies or will lie on (stat(2), st_dev)."""
    return nearest(path).stat().st_dev


def mounted_at(path: Path) -> Path:
    """Return the folder that the file system of ``path`` begins at, as ``df`` names it."""
    found = nearest(path).resolve()
    while device(found.parent) == device(found) and found != found.parent:
        found = found.parent
    return found
