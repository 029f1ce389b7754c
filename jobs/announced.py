"""What pull requests announced is what a merge may remove."""

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from jobs.api import ApiError
from jobs.comment import announcements
from jobs.job import Job
from local.say import TroubleError, say
from render.report import Report

WORKFLOW = "up.yml"
_COMMITS = 100


def require_announced(job: Job, report: Report | None, allowed: Iterable[str]) -> None:
    """Return when every removal that ``report`` foresees was announced, or is in ``allowed``.

    Announced is what the last preview of each pull request said, of those that were merged since
    the last run that succeeded: a run that waits is replaced by a newer one, which does its work
    too. ``allowed`` are references or tags.

    :raises TroubleError: naming those that were not announced, beside those that were; or when
        there is no report.
    """
    if report is None:
        raise TroubleError("the preview left no report, so what would be removed is not known")
    if not report.removals:
        say("nothing would be removed")
        return
    announced, pulls = _announced(job)
    named = set(allowed)
    free = {ref for ref in report.removals if named & {ref, ref.rpartition(":")[2]}}
    more = {r: d for r, d in report.removals.items() if r not in announced and r not in free}
    if not more:
        say(f"{len(report.removals)} removals, all announced or allowed")
        return
    raise TroubleError(_refusal(more, announced, pulls))


def _refusal(
    more: Mapping[str, str], announced: Mapping[str, str], pulls: Mapping[int, bool]
) -> str:
    seen = ", ".join(f"#{n}" if fresh else f"#{n} (not of its last commit)"
                     for n, fresh in sorted(pulls.items()))  # fmt: skip
    return (
        f"{len(more)} names would be removed that no preview announced; nothing was changed.\n"
        f"not announced:\n{_lines(more)}\n"
        f"announced:\n{_lines(announced)}\n"
        f"pull requests looked at: {seen or 'none'}\n"
        "If these names may go, run the workflow up by hand with this in the field removals:\n"
        f"  {' '.join(sorted(more))}"
    )


def _lines(names: Mapping[str, str]) -> str:
    return "\n".join(f"  {ref} {digest}" for ref, digest in sorted(names.items())) or "  nothing"


def _announced(job: Job) -> tuple[dict[str, str], dict[int, bool]]:
    """Return what was announced, and of each pull request whether its last commit was previewed."""
    found: dict[str, str] = {}
    pulls: dict[int, bool] = {}
    for pull in _merged(job):
        said = announcements(job, pull["number"])
        fresh = [entry for entry in said if entry.commit == pull["head"]["sha"]]
        pulls[pull["number"]] = bool(fresh)
        for entry in fresh:
            found |= entry.removals
    return found, pulls


def _merged(job: Job) -> Iterator[Any]:
    seen: set[int] = set()
    for commit in _commits(job):
        for pull in job.api.pages(f"{job.root}/commits/{commit}/pulls"):
            there = pull["merged_at"] and pull["base"]["ref"] == job.context.branch
            if there and pull["number"] not in seen:
                seen.add(pull["number"])
                yield pull


def _commits(job: Job) -> list[str]:
    """Return the commits since the last run that succeeded, this one first."""
    query = {"branch": job.context.branch, "status": "success", "per_page": "1"}
    runs = job.api.get(f"{job.root}/actions/workflows/{WORKFLOW}/runs", query)["workflow_runs"]
    if not runs or runs[0]["head_sha"] == job.context.commit:
        return [job.context.commit]
    span = f"{runs[0]['head_sha']}...{job.context.commit}"
    try:
        listed = job.api.pages(f"{job.root}/compare/{span}", within="commits")
        newest_last = [str(entry["sha"]) for entry in listed]
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        # History was rewritten: what was announced for commits that are gone does not count.
        return [job.context.commit]
    return list(dict.fromkeys([job.context.commit, *reversed(newest_last)]))[:_COMMITS]
