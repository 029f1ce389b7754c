"""The files that a run of the engine leaves for the commands here."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from fleet.checkout.split_stacks import share_file
from fleet.console import TroubleError, say
from fleet.local.run_report import REPORT
from fleet.reports.report import Report, ReportError, joined, parse

FOLDER = "FLEET_REMOVALS"
"""The variable that names the folder which is handed to the job that removes."""


def read_report(stacks: Sequence[str] = ()) -> Report | None:
    """Return the report that ``FLEET_REPORT`` names; None where the run did not get so far.

    With ``stacks``, the run was of each of them, and so is the report.

    :raises TroubleError: when no file is named, or it is not a report.
    """
    path = named(REPORT)
    if stacks:
        return joined({stack: _read(share_file(path, stack)) for stack in stacks})
    return _read(path)


def _read(path: Path) -> Report | None:
    if not path.is_file():
        return None
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ReportError) as error:
        raise TroubleError(f"{REPORT}: {path}: {error}.\nRun the preview again.") from error


def list_removals(stacks: Sequence[str] = ()) -> int:
    """Return how many tags the preview would remove, and hand its report to the job that may.

    The report, or that of each of ``stacks``, is copied under its own name. A resource that fails
    ends a preview: of what it did not get to, nothing may be removed, and all else goes on.

    :raises TroubleError: when one is missing, is not a report, or ended early for another reason.
    """
    path, folder = named(REPORT), named(FOLDER)
    files = {stack: share_file(path, stack) for stack in stacks} or {"": path}
    reports = {stack: _read(file) for stack, file in files.items()}
    unknown = [s for s, r in reports.items() if not r or not (r.complete or r.cut_short)]
    if unknown:
        of = f" of {', '.join(unknown)}" if stacks else ""
        raise TroubleError(
            f"The preview{of} left no whole report, so what would be removed is not known; nothing "
            "was changed.\nFind the reason in the log of the preview, and run the workflow again."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for each in files.values():
        shutil.copy(each, folder / each.name)
    whole = [found for found in reports.values() if found and found.complete]
    if len(whole) < len(reports):
        say("a failure ended a preview early: nothing that it was to list is removed in this run")
    removals = {ref: digest for found in whole for ref, digest in found.removals.items()}
    for ref, digest in sorted(removals.items()):
        say(f"to be removed: {ref} {digest}")
    return len(removals)


def named(variable: str) -> Path:
    """Return the path in an environment variable.

    :raises TroubleError: when it is not set.
    """
    text = os.environ.get(variable)
    if not text:
        raise TroubleError(
            f"{variable} is not set.\nSet it to the path of the file that the run wrote."
        )
    return Path(text)
