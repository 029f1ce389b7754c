"""What pull requests announced is what a merge may remove."""

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from jobs.api import ApiError
from jobs.comment import announcements
from jobs.job import Job
from local.say import TroubleError, say
from render.report import Report

# Names with the digests that they had in one preview or more.
_Announced = dict[str, list[str]]

WORKFLOW = "up.yml"
_COMMITS = 100


def require_announced(job: Job, report: Report | None, allowed: Iterable[str]) -> None:
    """Return when every removal that ``report`` foresees was announced, or is in ``allowed``.

    Announced is what the last preview of each pull request said, of those that were merged since
    the last run that succeeded: a run that waits is replaced by a newer one, which does its work
    too. It was said of a name with its digest: a pointer that names another one by now is not the
    one that was announced. ``allowed`` are references or tags, each with ``@digest`` or whatever
    it names.

    :raises TroubleError: naming those that were not announced, beside those that were; or when
        there is no report.
    """
    if report is None or report.missing:
        raise TroubleError("the preview left no report, so what would be removed is not known")
    if not report.removals:
        say("nothing would be removed")
        return
    announced, pulls = _announced(job)
    named = set(allowed)
    more = {
        ref: digest
        for ref, digest in report.removals.items()
        if digest not in announced.get(ref, ()) and not named & _spellings(ref, digest)
    }
    if not more:
        say(f"{len(report.removals)} removals, all announced or allowed")
        return
    raise TroubleError(_refusal(more, announced, pulls))


def _spellings(ref: str, digest: str) -> set[str]:
    tag = ref.rpartition(":")[2]
    return {name + pin for name in (ref, tag) for pin in ("", f"@{digest}")}


def _refusal(more: Mapping[str, str], announced: _Announced, pulls: Mapping[int, bool]) -> str:
    seen = ", ".join(f"#{n}" if fresh else f"#{n} (not of its last commit)"
                     for n, fresh in sorted(pulls.items()))  # fmt: skip
    return (
        f"{len(more)} names would be removed that no preview announced; nothing was changed.\n"
        f"not announced:\n{_lines(_now(ref, digest, announced) for ref, digest in more.items())}\n"
        f"announced:\n{_lines(f'{ref} {d}' for ref in announced for d in announced[ref])}\n"
        f"pull requests looked at: {seen or 'none'}\n"
        "If these names may go, run the workflow up by hand with this in the field removals:\n"
        f"  {' '.join(f'{ref}@{digest}' for ref, digest in sorted(more.items()))}"
    )


def _now(ref: str, digest: str, announced: _Announced) -> str:
    then = announced.get(ref, [])
    moved = f", moved since it was announced with {', '.join(then)}" if then else ""
    return f"{ref} {digest}{moved}"


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(f"  {line}" for line in sorted(set(lines))) or "  nothing"


def _announced(job: Job) -> tuple[_Announced, dict[int, bool]]:
    """Return what was announced, and of each pull request whether its last commit was previewed."""
    found: _Announced = {}
    pulls: dict[int, bool] = {}
    for pull in _merged(job):
        said = announcements(job, pull["number"])
        fresh = [entry for entry in said if entry.commit == pull["head"]["sha"]]
        pulls[pull["number"]] = bool(fresh)
        for entry in fresh:
            for ref, digest in entry.removals.items():
                found.setdefault(ref, []).append(digest)
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
