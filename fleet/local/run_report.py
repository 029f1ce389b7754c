"""The report of a run of the engine: printed as a table, written where FLEET_REPORT says."""

import json
import os
from pathlib import Path
from typing import Any

from fleet.console import TroubleError, pass_on, say
from fleet.http.errors import ReadableError
from fleet.local.terminal import Terminal
from fleet.reports.event_log import parse_events, report_of
from fleet.reports.report import Report, ReportError, document
from providers.ociregistry.stale_pointers.allow_list import SETTING

REPORT = "FLEET_REPORT"


def forget() -> None:
    """Remove an earlier run's report, which would pass for that of a run that breaks off.

    One that says what this run may remove is still read, and stays.
    """
    path = os.environ.get(REPORT)
    if path and path != os.environ.get(SETTING):
        Path(path).unlink(missing_ok=True)


def read(log: Path) -> Report | None:
    """Return what an event log says; None where there is none, or, with an error, no sound one."""
    if not log.is_file():
        return None
    try:
        with log.open("rb") as lines:
            return report_of(parse_events(lines))
    except (OSError, ReportError, ReadableError) as error:
        say(f"error: the engine's event log can't be read: {error}")
        return None


def show(report: Report, *, as_json: bool = False, stack: str = "") -> None:
    """Print a report, as a table or as data of one line; `stack` is the one that it is about."""
    if as_json:
        of: dict[str, Any] = {"stack": stack} if stack else {}
        pass_on(json.dumps({**of, **document(report)}))
    else:
        Terminal().draw(report)


def write(report: Report) -> None:
    """Write the report where ``FLEET_REPORT`` says, if it does.

    :raises TroubleError: when it can't be written.
    """
    if named := os.environ.get(REPORT):
        write_to(Path(named), report)


def write_to(path: Path, report: Report) -> None:
    """Replace a file by a report in one step, so that nobody reads half of it.

    :raises TroubleError: when it can't be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(f"{json.dumps(document(report))}\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise TroubleError(f"{REPORT}: {path} can't be written ({error.strerror}).") from error
