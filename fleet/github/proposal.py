"""The one pull request with new releases: its branch, its text, and its merge where declared."""

from collections.abc import Mapping
from typing import Any

from fleet.console import TroubleError, say
from fleet.declaration.github import GitHub
from fleet.github.handover import Proposal
from fleet.github.job import Job
from fleet.github.render.report_page import COMMENT_LIMIT
from fleet.pages.markdown import FOLDED, FOLDED_END

_AUTO_MERGE = """
mutation ($pull: ID!, $method: PullRequestMergeMethod!) {
  enablePullRequestAutoMerge(input: {pullRequestId: $pull, mergeMethod: $method}) { __typename }
}
"""
_NO_AUTO_MERGE = """
mutation ($pull: ID!) {
  disablePullRequestAutoMerge(input: {pullRequestId: $pull}) { __typename }
}
"""
_METHODS = (
    ("allow_squash_merge", "SQUASH"),
    ("allow_merge_commit", "MERGE"),
    ("allow_rebase_merge", "REBASE"),
)


def branch_of(stack: str) -> str:
    """Return the branch of the pull request, always the same."""
    return f"fleet/versions-{stack}"


def propose(job: Job, github: GitHub, proposal: Proposal) -> None:
    """Open or update the pull request with ``proposal``; close it where nothing changed.

    What new releases change is the declaration and the lock, which are the whole fleet's: ``job``
    is of the stack that holds them.

    The commit is made by the API, so that no token is ever in the checkout's configuration, and
    the App's signature is on it. A branch that has this very content on this very commit is left
    as it is, so that nothing is previewed again.
    """
    pull = _open_pull(job, github)
    if not proposal.files:
        _withdraw(job, pull)
        return
    merging, waits = bool(pull and pull.get("auto_merge")), ""
    if github.versions == "merge" and proposal.newcomers:
        waits = f"Installed for the first time: {', '.join(proposal.newcomers)}. Merge by hand.\n\n"
        if merging:  # before the branch has it
            _disable_merge(job, pull)
    _put_branch(job, proposal.files)
    title = f"New releases for {job.stack}"
    fields = {"title": title, "body": _fitting(waits + proposal.summary)}
    if pull is None:
        head = {"head": branch_of(job.stack), "base": github.branch}
        pull = job.api.send("POST", f"{job.root}/pulls", {**fields, **head})
        say(f"opened pull request {pull['number']}")
    elif (pull["title"], pull["body"]) != (title, fields["body"]):
        job.api.send("PATCH", f"{job.root}/pulls/{pull['number']}", fields)
        say(f"updated pull request {pull['number']}")
    if waits:
        say(f"pull request {pull['number']} waits for a person. {waits.strip()}")
    elif github.versions == "merge" and not merging:
        _enable_merge(job, pull)


def _withdraw(job: Job, pull: Any) -> None:
    if pull is None:
        say("nothing new")
        return
    job.api.send("PATCH", f"{job.root}/pulls/{pull['number']}", {"state": "closed"})
    job.api.send("DELETE", f"{job.root}/git/refs/heads/{branch_of(job.stack)}")
    say(f"nothing new any more: closed pull request {pull['number']}")


def _open_pull(job: Job, github: GitHub) -> Any:
    head = f"{github.owner}:{branch_of(job.stack)}"
    query = {"state": "open", "head": head, "base": github.branch}
    return next(iter(job.api.get(f"{job.root}/pulls", query)), None)


def _put_branch(job: Job, files: Mapping[str, str]) -> None:
    git, name, parent = f"{job.root}/git", branch_of(job.stack), job.commit
    base = job.api.get(f"{git}/commits/{parent}")["tree"]["sha"]
    entries = [
        {"path": path, "mode": "100644", "type": "blob", "content": text}
        for path, text in files.items()
    ]
    tree = job.api.send("POST", f"{git}/trees", {"base_tree": base, "tree": entries})["sha"]
    ref = job.api.find(f"{git}/ref/heads/{name}")
    if ref is not None:
        there = job.api.get(f"{git}/commits/{ref['object']['sha']}")
        if there["tree"]["sha"] == tree and [p["sha"] for p in there["parents"]] == [parent]:
            say(f"the branch {name} has this already")
            return
    fields = {"message": f"New releases for {job.stack}", "tree": tree, "parents": [parent]}
    commit = job.api.send("POST", f"{git}/commits", fields)["sha"]
    if ref is None:
        job.api.send("POST", f"{git}/refs", {"ref": f"refs/heads/{name}", "sha": commit})
    else:
        # Only this job writes the branch, and always on top of the declared one.
        job.api.send("PATCH", f"{git}/refs/heads/{name}", {"sha": commit, "force": True})
    say(f"the branch {name} is at {commit}")


def _enable_merge(job: Job, pull: Any) -> None:
    """Have GitHub merge it once its required checks passed; REST has no way to say so.

    :raises TroubleError: when GitHub refuses: without required checks, nothing would be waited for.
    """
    repository = job.api.get(job.root)
    method = next((name for key, name in _METHODS if repository.get(key)), "SQUASH")
    objection = job.api.mutate(_AUTO_MERGE, pull=pull["node_id"], method=method)
    if objection:
        raise TroubleError(
            f"pull request {pull['number']} is not set to merge by itself: {objection}.\nAllow "
            "auto-merge in the repository's settings, and require the checks check and preview on "
            "its branch; or declare fleet:github.versions: propose."
        )
    say(f"pull request {pull['number']} merges when its checks have passed")


def _disable_merge(job: Job, pull: Any) -> None:
    objection = job.api.mutate(_NO_AUTO_MERGE, pull=pull["node_id"])
    if objection:
        raise TroubleError(
            f"pull request {pull['number']} would merge by itself, and brings distributions that "
            f"were not installed before: {objection}. Nothing was changed.\nTurn off its "
            "auto-merge, and run again."
        )


def _fitting(summary: str) -> str:
    text = summary.encode()
    if len(text) <= COMMENT_LIMIT:
        return summary
    kept = text[: COMMENT_LIMIT - 200].decode(errors="ignore").rpartition("\n")[0]
    if kept.count(FOLDED_END) < kept.count(FOLDED.partition("{")[0]):
        kept += f"\n\n{FOLDED_END}"
    return f"{kept}\n\nThe rest has no room here; the job's page has it.\n"
