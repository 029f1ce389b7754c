"""The one issue of a stack's drift: written, updated and closed by the scheduled job."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from fleet.console import say
from fleet.github.comment import opening_of
from fleet.github.context import BOT, Context
from fleet.github.job import Job
from fleet.github.render.report_page import COMMENT_LIMIT, Section, page, sections
from fleet.pages.markdown import code, row
from fleet.reports.report import CHANGING, Report

WORKFLOW = "up.yml"
_BROKEN_OFF = "the preview ended before it could report"


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a preview of the declared branch found; ``report`` is None where it broke off."""

    report: Report | None

    @property
    def drifted(self) -> bool:
        """Whether registry or repository are known to differ from the declaration."""
        return bool(self.report and (self.report.changes or self.report.differs))

    @property
    def troubles(self) -> tuple[str, ...]:
        """Why this is not all that there is to know, one text each."""
        if self.report is None:
            return (_BROKEN_OFF,)
        missing = tuple(f"{stack}: {_BROKEN_OFF}" for stack in self.report.missing)
        if not self.report.complete and not missing:
            missing = (_BROKEN_OFF,)
        return (*self.report.unverified, *self.report.errors, *missing)


def report_drift(job: Job, found: Findings) -> bool:
    """Have the issue show what was found; return whether everything could be verified.

    No issue is closed by a run that could not look everywhere.
    """
    issue = _ours(job)
    if found.drifted or (issue and found.troubles):
        _show(job, found, issue)
    elif issue and not found.troubles:
        _close(job, issue)
    else:
        say("no drift was found")
    for trouble in found.troubles:
        say(f"error: {trouble}")
    return not found.troubles


def repair(job: Job, found: Findings) -> None:
    """Start the workflow ``up`` if there is drift; what that may remove, its own reviewers say."""
    if not found.drifted:
        say("nothing to repair")
        return
    path = f"{job.root}/actions/workflows/{WORKFLOW}/dispatches"
    job.api.send("POST", path, {"ref": job.context.branch})
    say("started the workflow up")


def issue_body(context: Context, stack: str, found: Findings) -> str:
    """Return the issue's text."""
    opening = (
        f"{_marker(stack)}\n{opening_of(stack, found.report)}\n"
        f"[Run]({context.run}) at {code(context.commit)}. The next `up` repairs this; the issue is "
        "closed when a run finds no drift.\n"
    )
    shown = [part for part in _tables(found) if part.rows]
    return page(opening, shown, COMMENT_LIMIT)


def _tables(found: Findings) -> Iterator[Section]:
    yield _listed("Could not be verified", found.troubles)
    if found.report:
        # What is kept is no drift.
        changing = tuple(e for e in found.report.entries if e.action in CHANGING)
        yield from sections(replace(found.report, entries=changing))
        yield _listed("On GitHub", found.report.changes)


def _listed(title: str, lines: tuple[str, ...]) -> Section:
    rows = tuple(row([code(line)]) for line in lines)
    return Section(title=f"{title} ({len(lines)})", headings=("what",), rows=rows)


def _show(job: Job, found: Findings, issue: Any) -> None:
    body = issue_body(job.context, job.stack, found)
    if issue:
        job.api.send("PATCH", f"{job.root}/issues/{issue['number']}", {"body": body})
        say(f"drift: updated issue {issue['number']}")
        return
    title = f"The registry differs from the declaration of {job.stack}"
    made = job.api.send("POST", f"{job.root}/issues", {"title": title, "body": body})
    say(f"drift: opened issue {made['number']}")


def _close(job: Job, issue: Any) -> None:
    path = f"{job.root}/issues/{issue['number']}"
    job.api.send(
        "POST", f"{path}/comments", {"body": f"No drift any more: [run]({job.context.run})."}
    )
    job.api.send("PATCH", path, {"state": "closed", "state_reason": "completed"})
    say(f"no drift any more: closed issue {issue['number']}")


def _ours(job: Job) -> Any:
    # Not by its creator, for which the API has another name of an App than for its issues.
    query = {"state": "open"}
    for issue in job.api.pages(f"{job.root}/issues", query):
        ours = (issue.get("user") or {}).get("login") == BOT and "pull_request" not in issue
        if ours and str(issue.get("body") or "").startswith(_marker(job.stack)):
            return issue
    return None


def _marker(stack: str) -> str:
    return f"<!-- fleet-drift {stack} -->"
