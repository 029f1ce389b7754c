"""The one issue of a stack's drift: written, updated and closed by the scheduled job."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fleet.console import say
from fleet.github.comment import opening_of
from fleet.github.job import Job, first_own
from fleet.github.render.report_page import COMMENT_LIMIT, Section, listed, page, sections
from fleet.pages.markdown import code
from fleet.reports.report import CHANGING, Report

WORKFLOW = "up.yml"
_BROKEN_OFF = "the preview ended before it could report"


def report_drift(job: Job, report: Report | None) -> bool:
    """Have the issue show what a preview found; return whether everything could be verified.

    ``report`` is None where the preview broke off. No issue is closed by a run that could not look
    everywhere.
    """
    # Not by its creator, for which the API has another name of an App than for its issues.
    open_issues = job.api.pages(f"{job.root}/issues", {"state": "open"})
    issue, trouble = first_own(open_issues, _marker(job)), troubles(report)
    if is_drift(report) or (issue and trouble):
        _show(job, report, issue)
    elif issue and not trouble:
        _close(job, issue)
    else:
        say("no drift was found")
    for text in trouble:
        say(f"error: {text}")
    return not trouble


def repair(job: Job, report: Report | None) -> None:
    """Start the workflow ``up`` if there is drift; what that may remove, its own reviewers say."""
    if not is_drift(report):
        say("nothing to repair")
        return
    path = f"{job.root}/actions/workflows/{WORKFLOW}/dispatches"
    job.api.send("POST", path, {"ref": job.branch})
    say("started the workflow up")


def is_drift(report: Report | None) -> bool:
    """Return whether registry or repository are known to differ from the declaration."""
    return bool(report and (report.changes or report.differs))


def troubles(report: Report | None) -> tuple[str, ...]:
    """Return why this is not all that there is to know, one text each."""
    if report is None:
        return (_BROKEN_OFF,)
    missing = tuple(f"{stack}: {_BROKEN_OFF}" for stack in report.missing)
    if not report.complete and not missing:
        missing = (_BROKEN_OFF,)
    return (*report.unverified, *report.errors, *missing)


def _show(job: Job, report: Report | None, issue: Any) -> None:
    opening = (
        f"{_marker(job)}\n{opening_of(job.stack, report)}\n"
        f"[Run]({job.run}) at {code(job.commit)}. The next `up` repairs this; the issue is "
        "closed when a run finds no drift.\n"
    )
    body = page(opening, [part for part in _tables(report) if part.rows], COMMENT_LIMIT)
    if issue:
        job.api.send("PATCH", f"{job.root}/issues/{issue['number']}", {"body": body})
        say(f"drift: updated issue {issue['number']}")
        return
    title = f"The registry differs from the declaration of {job.stack}"
    made = job.api.send("POST", f"{job.root}/issues", {"title": title, "body": body})
    say(f"drift: opened issue {made['number']}")


def _tables(report: Report | None) -> Iterator[Section]:
    yield listed("Could not be verified", troubles(report))
    if report:
        # What is kept is not drift.
        changing = tuple(e for e in report.entries if e.action in CHANGING)
        yield from sections(replace(report, entries=changing, errors=()))


def _close(job: Job, issue: Any) -> None:
    path = f"{job.root}/issues/{issue['number']}"
    job.api.send("POST", f"{path}/comments", {"body": f"No drift any more: [run]({job.run})."})
    job.api.send("PATCH", path, {"state": "closed", "state_reason": "completed"})
    say(f"no drift any more: closed issue {issue['number']}")


def _marker(job: Job) -> str:
    return f"<!-- fleet-drift {job.stack} -->"
