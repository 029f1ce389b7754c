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
        raise TroubleError(f"{REPORT}: {path}: {error}. Run the preview again.") from error


def list_removals(stacks: Sequence[str] = ()) -> int:
    """Return how many tags the preview would remove, and hand its report to the job that may.

    The report, or that of each of ``stacks``, is copied under its own name.

    :raises TroubleError: when one is missing, ended early or is not a report.
    """
    report = read_report(stacks)
    if report is None or not report.complete:
        of = f" of {', '.join(report.missing)}" if report and report.missing else ""
        raise TroubleError(
            f"The preview{of} left no whole report, so what would be removed is not known; nothing "
            "was changed.\nThe log of the preview has the reason. Repair it and run the workflow "
            "again."
        )
    path, folder = named(REPORT), named(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    for each in [share_file(path, stack) for stack in stacks] or [path]:
        shutil.copy(each, folder / each.name)
    for ref, digest in sorted(report.removals.items()):
        say(f"to be removed: {ref} {digest}")
    return len(report.removals)


def named(variable: str) -> Path:
    """Return the path in an environment variable.

    :raises TroubleError: when it is not set.
    """
    text = os.environ.get(variable)
    if not text:
        raise TroubleError(f"{variable} is not set. Name the file there that the run wrote.")
    return Path(text)
