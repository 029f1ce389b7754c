"""The report of a run of the engine: printed as one line, written where FLEET_REPORT says."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from fleet.console import TroubleError, pass_on, say
from fleet.http.errors import ReadableError
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


def conclude(log: Path) -> None:
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
    pass_on("\n".join(lines_of(report)))
    write(report)


def lines_of(report: Report) -> Iterator[str]:
    """Yield what no resource of the run said itself, then the one line of the whole."""
    for entry in report.entries:
        why = ", ".join(entry.reasons)
        if entry.later and report.mode != "update":
            yield f"to be removed: {entry.ref} ({entry.previous}): {why}"
        elif entry.action == "keep" and entry.kind == "version":
            yield f"{why}: {entry.ref}"
    yield report.summary


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
