"""Mounts that BuildKit made, and folders that have some below them."""

import os
import shutil
from pathlib import Path

from fleet.local.child_environment import run

_TABLE = Path("/proc/self/mountinfo")


def mounts_below(folder: Path, mountinfo: str) -> list[str]:
    """Return the mount points below ``folder``, innermost first (proc_pid_mountinfo(5))."""
    points = [line.split()[4] for line in mountinfo.splitlines() if line]
    decoded = [point.replace("\\040", " ") for point in points]
    return sorted((p for p in decoded if Path(p).is_relative_to(folder)), reverse=True)


def remove(folder: Path) -> None:
    """Remove ``folder`` and all below it; what a killed BuildKit left mounted there is unmounted.

    :raises OSError: when something can't be removed.
    """
    # What another user keeps to itself is none of ours (os.path: no error for it, as `reach` says).
    if not os.path.lexists(folder):
        return
    if folder.is_symlink():
        folder.unlink()
        return
    # Not there on macOS, where nothing of ours mounts.
    table = _TABLE.read_text() if _TABLE.exists() else ""
    for mount in mounts_below(folder, table):
        run(["umount", "--lazy", mount])
    shutil.rmtree(folder)
