"""Room on the disk: a state that is written onto a full one is lost."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from fleet.console import TroubleError, say
from fleet.local import backend
from fleet.local.paths import Checkout
from fleet.local.requirements import Needs
from fleet.units import in_units

FOR_STATE = 256 * 10**6
"""Bytes that have to be free where a state is written: several times the largest one seen."""

FOR_DAEMONS = 2 * 10**9
"""Bytes that have to be free for the registry's and the builder's data beside it."""

BUILDER_KEEPS = 20 * 10**9
"""Bytes that the builder's cache holds at most."""

# Measured: an unpacked base in the builder and its layers in the registry; the layers that a
# platform image has of its own.
_PER_BASE, _PER_IMAGE = 300 * 10**6, 50 * 10**6


def require(checkout: Checkout, needs: Needs, env: Mapping[str, str]) -> None:
    """Return when there is room for the state, and for the data of what runs on this machine.

    :raises TroubleError: naming the folder, what is free there, and what has to be.
    """
    wanted = [(_there(checkout.state), FOR_DAEMONS)] if needs.anything else []
    # That of the embedded stack need not be named in the shell.
    state = checkout.state if needs.port is not None else backend.folder(checkout.root, env)
    if state:
        wanted.append((_there(state), FOR_STATE))
    for path in dict.fromkeys(path for path, _ in wanted):
        # What lies on one file system takes of the same room.
        least = sum(n for other, n in wanted if other.stat().st_dev == path.stat().st_dev)
        free = _free(path)
        if free < least:
            raise TroubleError(
                f"{in_units(free)} are free where {path} lies, and less than {in_units(least)} is "
                "not enough to start: on a full disk the state of the stack is lost. Make room "
                f"there (df -h {path}) and rerun."
            )


def report(checkout: Checkout, needs: Needs) -> None:
    """Report what a first ``up`` takes of the disk, and what is free."""
    if not needs.anything:
        return
    wanted, free = estimate(needs), _free(checkout.root)
    short = "; that may not be enough" if free < wanted else ""
    say(
        f"disk: from nothing, {needs.platform_images} platform images on {len(needs.bases)} bases "
        f"take about {in_units(wanted)} in {checkout.state}; {in_units(free)} are free{short}"
    )


def estimate(needs: Needs) -> int:
    """Return about how many bytes registry and builder take once everything is built."""
    bases = len(needs.bases) * len(needs.platforms) * _PER_BASE
    return min(bases, BUILDER_KEEPS) + needs.platform_images * _PER_IMAGE


def _free(path: Path) -> int:
    """Return the bytes free for this user where ``path`` lies, or will."""
    return shutil.disk_usage(_there(path)).free


def _there(path: Path) -> Path:
    """Return ``path``, or the folder above it that it will be made in."""
    return path if path.exists() else _there(path.parent)
