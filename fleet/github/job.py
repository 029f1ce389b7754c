"""A job of a workflow: GitHub's API, and what GitHub tells by variables and the event's file."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet.console import TroubleError
from fleet.github.api import Api

BOT = "github-actions[bot]"
"""Who a workflow's own token writes as; what others wrote is never taken for its own."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job that works on ``stack``: repository (``owner/name``), branch, commit, page of its run.

    ``pull_request`` is the number that the event is about, ``head`` that pull request's newest
    commit; 0 and empty elsewhere.
    """

    api: Api
    stack: str
    repository: str
    branch: str
    commit: str
    run: str
    pull_request: int
    head: str

    @property
    def root(self) -> str:
        """The repository's path in the API."""
        return f"/repos/{self.repository}"


def job_of(api: Api, stack: str, environment: Mapping[str, str] = os.environ) -> Job:
    """Return the job that this process runs in.

    :raises TroubleError: outside of a job; it names what is missing.
    """
    names = ("GITHUB_REPOSITORY", "GITHUB_REF_NAME", "GITHUB_SHA", "GITHUB_RUN_ID")
    missing = [name for name in names if not environment.get(name)]
    if missing:
        text = f"{', '.join(missing)} not set: this command is for a job on GitHub"
        raise TroubleError(f"{text}.\nBy hand, run make preview.")
    server = environment.get("GITHUB_SERVER_URL") or "https://github.com"
    repository = environment["GITHUB_REPOSITORY"]
    pull = _event(environment).get("pull_request") or {}
    return Job(
        api=api,
        stack=stack,
        repository=repository,
        branch=environment["GITHUB_REF_NAME"],
        commit=environment["GITHUB_SHA"],
        run=f"{server}/{repository}/actions/runs/{environment['GITHUB_RUN_ID']}",
        pull_request=int(pull.get("number", 0)),
        head=str(pull.get("head", {}).get("sha", "")),
    )


def first_own(posts: Iterable[Any], marker: str) -> Any:
    """Return the first comment or issue that a workflow wrote and that begins with ``marker``.

    None where there is none: anybody may write alike.
    """
    for post in posts:
        own = (post.get("user") or {}).get("login") == BOT and "pull_request" not in post
        if own and str(post.get("body") or "").startswith(marker):
            return post
    return None


def _event(environment: Mapping[str, str]) -> dict[str, Any]:
    path = environment.get("GITHUB_EVENT_PATH", "")
    if not path or not Path(path).is_file():
        return {}
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}
