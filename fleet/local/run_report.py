"""The report of a run of the engine: printed as a table, written where FLEET_REPORT says."""

import json
import os
from pathlib import Path

from fleet.console import TroubleError, pass_on, say
from fleet.http.errors import ReadableError
from fleet.local.terminal import Terminal
from fleet.reports.event_log import parse_events, report_of
from fleet.reports.report import Report, ReportError, document
from fleet.reports.table import text_of
from providers.ociregistry.stale_pointers.allow_list import SETTING

REPORT = "FLEET_REPORT"


def forget() -> None:
    """Remove an earlier run's report, which would pass for that of a run that breaks off.

    One that says what this run may remove is still read, and stays.
    """
    path = os.environ.get(REPORT)
    if path and path != os.environ.get(SETTING):
        Path(path).unlink(missing_ok=True)


def conclude(log: Path, *, as_json: bool = False) -> None:
    """Print what an event log says, and write the report; without a log there is nothing to say.

    :raises TroubleError: when the report can't be written.
    """
    if not log.is_file():
        return
    try:
        with log.open("rb") as lines:
            report = report_of(parse_events(lines))
    except (OSError, ReportError, ReadableError) as error:
        say(f"error: the engine's event log can't be read: {error}")
        return
    show(report, as_json=as_json)
    write(report)


def show(report: Report, *, as_json: bool = False) -> None:
    """Print a report, as a table or as data of one line."""
    if as_json:
        pass_on(json.dumps(document(report)))
    else:
        terminal = Terminal()
        terminal.show(text_of(report, terminal.width, terminal.paint))


def write(report: Report) -> None:
    """Replace the file that ``FLEET_REPORT`` names in one step, so that nobody reads half of it.

    :raises TroubleError: when it can't be written.
    """
    named = os.environ.get(REPORT)
    if not named:
        return
    path = Path(named)
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(f"{json.dumps(document(report))}\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise TroubleError(f"{REPORT}: {path} can't be written ({error.strerror}).") from error
