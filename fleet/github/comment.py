"""The one comment of a pull request's previews, and the page of a job."""

from typing import Any

from fleet.console import TroubleError, say
from fleet.github.context import BOT, Context
from fleet.github.job import Job
from fleet.github.render.report_page import COMMENT_LIMIT, page, sections
from fleet.pages.markdown import code, heading_rows, row
from fleet.reports.report import Report

_BROKEN_OFF = "The run ended before it could say what is to be done."


def write_comment(job: Job, report: Report | None) -> None:
    """Have the pull request show ``report`` in one comment, the same in every run.

    :raises TroubleError: outside of a pull request's job, or when GitHub refuses.
    """
    number = job.context.pull_request
    if not number:
        raise TroubleError("the event is about no pull request, so there is nothing to comment on")
    body = comment(job.context, job.stack, report)
    found = _ours(job, number)
    if found is None:
        job.api.send("POST", f"{job.root}/issues/{number}/comments", {"body": body})
        say(f"commented on pull request {number}")
        return
    job.api.send("PATCH", f"{job.root}/issues/comments/{found['id']}", {"body": body})
    say(f"updated the comment on pull request {number}")


def comment(context: Context, stack: str, report: Report | None) -> str:
    """Return the comment. It informs people; no machine reads it but for finding it again."""
    opening = (
        f"{_marker(stack)}\n{opening_of(stack, report)}\n"
        f"[Run]({context.run}) at {code(context.head)}\n"
    )
    return page(opening, sections(report) if report else (), COMMENT_LIMIT)


def opening_of(stack: str, report: Report | None) -> str:
    """Return the heading of a page, with the run's one line, or that of each stack."""
    if report is None:
        return f"## {code(stack)}\n\n{_BROKEN_OFF}\n"
    if report.lines:
        rows = (row([code(name), code(line) if line else _BROKEN_OFF])
                for name, line in report.lines.items())  # fmt: skip
        return f"## {code(stack)}\n\n{heading_rows(('stack', 'what is to be done'))}{''.join(rows)}"
    return f"## {code(stack)}\n\n{code(report.summary)}\n"


def job_page(stack: str, report: Report | None, limit: int) -> str:
    """Return the page of a job that previewed or did something."""
    return page(opening_of(stack, report), sections(report) if report else (), limit)


def _ours(job: Job, number: int) -> Any:
    """Return the comment that a workflow wrote for the stack, for anybody may write alike."""
    for entry in job.api.pages(f"{job.root}/issues/{number}/comments"):
        bots = (entry.get("user") or {}).get("login") == BOT
        if bots and str(entry["body"]).startswith(_marker(job.stack)):
            return entry
    return None


def _marker(stack: str) -> str:
    return f"<!-- fleet-preview {stack} -->"
