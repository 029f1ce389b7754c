"""The one comment of a pull request's previews, and the page of a job."""

from collections.abc import Iterator
from typing import Any

from jobs.context import BOT, Context
from jobs.job import Job
from local.say import TroubleError, say
from render.announcement import Announcement, announcement_in, block
from render.markdown import code, heading_rows, row
from render.page import COMMENT_LIMIT, page, sections
from render.report import Report

_BLOCK_LIMIT = 40_000
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
    """Return the comment: what it announces for machines, then for people."""
    announced = Announcement(
        stack=stack, commit=context.head, removals=report.removals if report else {}
    )
    hidden = block(announced, _BLOCK_LIMIT)
    opening = (
        f"{hidden}\n{opening_of(stack, report)}\n[Run]({context.run}) at {code(context.head)}\n"
    )
    named = announcement_in(hidden)
    silent = len(announced.removals) - len(named.removals if named else {})
    if silent:
        opening += f"\n{silent} removals are too many to be announced; `up` will stop at them.\n"
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


def job_page(stack: str, report: Report | None, limit: int, preview: Report | None = None) -> str:
    """Return the page of a job that previewed or did something.

    Of one that stopped after its ``preview``, what that found: its log says why it stopped.
    """
    if report is None and preview is not None:
        opening = (
            f"{opening_of(stack, preview)}\nNothing was changed: the run stopped after this.\n"
        )
        return page(opening, sections(preview), limit)
    return page(opening_of(stack, report), sections(report) if report else (), limit)


def announcements(job: Job, number: int) -> list[Announcement]:
    """Return what previews of the job's stack announced in the comments of a pull request."""
    return [announced for _, announced in _announcing(job, number)]


def _ours(job: Job, number: int) -> Any:
    return next((entry for entry, _ in _announcing(job, number)), None)


def _announcing(job: Job, number: int) -> Iterator[tuple[Any, Announcement]]:
    """Yield the comments of workflows that announce something, for anybody may write alike."""
    for entry in job.api.pages(f"{job.root}/issues/{number}/comments"):
        bots = (entry.get("user") or {}).get("login") == BOT
        announced = announcement_in(str(entry["body"])) if bots else None
        if announced and announced.stack == job.stack:
            yield entry, announced
