"""The one comment of a pull request's previews, and the page of a job."""

from fleet.console import TroubleError, say
from fleet.github.job import Job, first_own
from fleet.github.render.report_page import COMMENT_LIMIT, page, sections
from fleet.pages.markdown import code, heading_rows, row
from fleet.reports.report import Report

_BROKEN_OFF = "The run ended before it could say what is to be done."


def write_comment(job: Job, report: Report | None) -> None:
    """Have the pull request show ``report`` in one comment, the same in every run.

    The comment informs people; no machine reads it but for finding it again.

    :raises TroubleError: outside of a pull request's job.
    :raises HttpError: when GitHub refuses.
    """
    number = job.pull_request
    if not number:
        raise TroubleError("the event is about no pull request, so there is nothing to comment on")
    marker, place = f"<!-- fleet-preview {job.stack} -->", f"{job.root}/issues"
    opening = f"{marker}\n{opening_of(job.stack, report)}\n[Run]({job.run}) at {code(job.head)}\n"
    body = page(opening, sections(report) if report else (), COMMENT_LIMIT)
    found = first_own(job.api.pages(f"{place}/{number}/comments"), marker)
    if found is None:
        job.api.send("POST", f"{place}/{number}/comments", {"body": body})
        say(f"commented on pull request {number}")
    else:
        job.api.send("PATCH", f"{place}/comments/{found['id']}", {"body": body})
        say(f"updated the comment on pull request {number}")


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
