"""The list of what a run may remove: made by a job that can't write, for one that can."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from fleet.checkout.split_stacks import share_file
from fleet.console import TroubleError, say
from fleet.github.run_files import named, read_report
from fleet.local.run_report import REPORT

FOLDER = "FLEET_REMOVALS"
"""The variable that names the folder which is handed over."""


def list_removals(stacks: Sequence[str] = ()) -> int:
    """Return how many names the preview would remove, and hand its report over.

    ``FLEET_REPORT`` names the report, ``FLEET_REMOVALS`` the folder that it is copied to, under its
    own name. With ``stacks``, the preview was of each of them, and left a report for each.

    :raises TroubleError: when one is missing, ended early or is not a report.
    """
    report = read_report(stacks=stacks)
    if report is None or not report.complete:
        of = f" of {', '.join(report.missing)}" if report and report.missing else ""
        raise TroubleError(
            f"The preview{of} left no whole report, so what would be removed is not known; nothing "
            "was changed.\nThe log of the preview has the reason. Repair it and run the workflow "
            "again."
        )
    path, folder = named(REPORT), named(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    for each in _files(path, stacks):
        shutil.copy(each, folder / each.name)
    for ref, digest in sorted(report.removals.items()):
        say(f"to be removed: {ref} {digest}")
    return len(report.removals)


def _files(path: Path, stacks: Sequence[str]) -> list[Path]:
    return [share_file(path, stack) for stack in stacks] or [path]
