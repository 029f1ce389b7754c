"""The files that a run of the engine leaves for the commands here."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from fleet.checkout.split_stacks import share_file
from fleet.console import TroubleError
from fleet.local.run_report import REPORT
from fleet.reports.report import Report, ReportError, joined, parse


def read_report(
    environment: Mapping[str, str] = os.environ, *, stacks: Sequence[str] = ()
) -> Report | None:
    """Return the report that ``FLEET_REPORT`` names; None where the run did not get so far.

    With ``stacks``, the run was of each of them, and so is the report.

    :raises TroubleError: when no file is named, or it is no report.
    """
    path = named(REPORT, environment)
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


def named(variable: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the path in an environment variable.

    :raises TroubleError: when it is not set.
    """
    text = environment.get(variable)
    if not text:
        raise TroubleError(f"{variable} is not set. Name the file there that the run wrote.")
    return Path(text)
