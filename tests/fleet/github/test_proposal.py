import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fleet.console import TroubleError
from fleet.declaration.config_reader import Reader
from fleet.declaration.github import GitHub, parse_github
from fleet.declaration.problems import Problems
from fleet.github.handover import Proposal
from fleet.github.job import Job
from fleet.github.proposal import branch_of, changed_files, propose
from tests.fleet.github.hub import REPOSITORY, Hub

BRANCH = branch_of("prod")
GRAPHQL = "https://api.github.com/graphql"
Propose = Callable[..., None]


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def root(tmp_path: Path, hub: Hub) -> Path:
    """A checkout of the declared branch, whose commit GitHub knows."""
    (tmp_path / "Pulumi.prod.yaml").write_text("versions: [1]\n")
    (tmp_path / "other").write_text("x\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "one")
    hub.branches.add(git(tmp_path, "rev-parse", "HEAD"))
    return tmp_path


def declared(**more: str) -> GitHub:
    values: dict[str, Any] = {"github": {"repository": REPOSITORY, **more}}
    found = parse_github(Reader(path="fleet:", values=values, problems=Problems()))
    assert found is not None
    return found


@pytest.fixture
def run(job: Job, root: Path) -> Propose:
    def run(summary: str = "- uvicorn 1.1", newcomers: tuple[str, ...] = (), **github: str) -> None:
        files = changed_files(root, job.stack)
        found = Proposal(files=files, summary=summary, newcomers=newcomers)
        propose(job, declared(**github), found, root=root, graphql=GRAPHQL)

    return run


def test_what_changed_becomes_one_pull_request_on_a_branch_of_its_own(
    hub: Hub, root: Path, run: Propose
) -> None:
    (root / "Pulumi.prod.yaml").write_text("versions: [1, 2]\n")
    (root / "locks").mkdir()
    (root / "locks/prod.yaml").write_text("lock\n")
    (root / "other").write_text("not of this job\n")
    run()
    assert hub.branches.files(BRANCH) == {
        "Pulumi.prod.yaml": "versions: [1, 2]\n",
        "locks/prod.yaml": "lock\n",
    }
    commit = hub.branches.commits[hub.branches.refs[BRANCH]]
    assert commit["parents"] == [git(root, "rev-parse", "HEAD")]
    (pull,) = hub.pulls
    assert (pull["head"]["ref"], pull["body"]) == (BRANCH, "- uvicorn 1.1")
    assert hub.merging == []


def test_a_second_run_with_the_same_releases_writes_no_commit(
    hub: Hub, root: Path, run: Propose
) -> None:
    (root / "Pulumi.prod.yaml").write_text("versions: [1, 2]\n")
    run()
    before = dict(hub.branches.refs)
    run()
    assert hub.branches.refs == before
    assert len(hub.pulls) == 1


def test_newer_releases_update_the_same_pull_request(hub: Hub, root: Path, run: Propose) -> None:
    (root / "Pulumi.prod.yaml").write_text("versions: [1, 2]\n")
    run()
    (root / "Pulumi.prod.yaml").write_text("versions: [1, 3]\n")
    run(summary="- uvicorn 1.2")
    assert hub.branches.files(BRANCH) == {"Pulumi.prod.yaml": "versions: [1, 3]\n"}
    assert [pull["body"] for pull in hub.pulls] == ["- uvicorn 1.2"]


def test_the_branch_follows_the_declared_one(hub: Hub, root: Path, run: Propose) -> None:
    (root / "Pulumi.prod.yaml").write_text("versions: [1, 2]\n")
    run()
    git(root, "commit", "-q", "--allow-empty", "-m", "two")
    head = git(root, "rev-parse", "HEAD")
    hub.branches.add(head)
    run()
    assert hub.branches.commits[hub.branches.refs[BRANCH]]["parents"] == [head]


def test_nothing_new_writes_nothing_and_closes_what_is_open(
    hub: Hub, root: Path, run: Propose
) -> None:
    run()
    assert hub.writes == []
    (root / "Pulumi.prod.yaml").write_text("versions: [1, 2]\n")
    run()
    git(root, "checkout", "-q", "--", ".")
    run()
    assert hub.pulls[0]["state"] == "closed"
    assert BRANCH not in hub.branches.refs


def test_it_merges_by_itself_where_that_is_declared(hub: Hub, root: Path, run: Propose) -> None:
    (root / "Pulumi.prod.yaml").write_text("versions: [1, 2]\n")
    hub.settings = {"allow_squash_merge": False, "allow_merge_commit": True}
    run(versions="merge")
    assert hub.merging == [{"pull": "PR_1", "method": "MERGE"}]


def test_what_no_image_installed_before_waits_for_a_person(
    hub: Hub, root: Path, run: Propose
) -> None:
    (root / "Pulumi.prod.yaml").write_text("versions: [1, 2]\n")
    run(versions="merge", newcomers=("web: odd",))
    assert hub.merging == []
    told = "Installed for the first time: web: odd. Merge by hand.\n\n- uvicorn 1.1"
    assert hub.pulls[0]["body"] == told
    run(versions="propose", newcomers=("web: odd",))
    assert hub.pulls[0]["body"] == "- uvicorn 1.1"


def test_one_that_merges_by_itself_no_more_does_before_the_branch_has_a_newcomer(
    hub: Hub, root: Path, run: Propose
) -> None:
    (root / "Pulumi.prod.yaml").write_text("versions: [1, 2]\n")
    run(versions="merge")
    hub.pulls[0]["auto_merge"] = {
        "enabled_by": hub.sampled("simple-user", login="app"), "merge_method": "merge",
        "commit_title": "", "commit_message": "",
    }  # fmt: skip
    (root / "Pulumi.prod.yaml").write_text("versions: [1, 2, 3]\n")
    hub.log.clear()
    run(versions="merge", newcomers=("web: odd",))
    assert hub.merging[1:] == [{"pull": "PR_1"}]
    assert hub.log.index("POST /graphql") < min(
        index for index, line in enumerate(hub.log) if line.startswith(("POST /repos", "PATCH"))
    )
    hub.merge_errors = ["no"]
    (root / "Pulumi.prod.yaml").write_text("versions: [1, 2, 3, 4]\n")
    with pytest.raises(TroubleError, match="turn off its auto-merge"):
        run(versions="merge", newcomers=("web: odd",))
    assert hub.branches.files(BRANCH)["Pulumi.prod.yaml"] == "versions: [1, 2, 3]\n"


def test_a_refused_auto_merge_names_the_settings(hub: Hub, root: Path, run: Propose) -> None:
    (root / "Pulumi.prod.yaml").write_text("versions: [1, 2]\n")
    hub.merge_errors = ["Pull request is in clean status"]
    with pytest.raises(TroubleError, match=r"clean status\. Allow that .* check and preview"):
        run(versions="merge")


def test_a_text_that_github_would_refuse_is_cut_at_a_line_and_says_so(
    hub: Hub, root: Path, run: Propose
) -> None:
    (root / "Pulumi.prod.yaml").write_text("versions: [1, 2]\n")
    run(summary="- uvicorn ü\n" * 20_000)
    body = hub.pulls[0]["body"]
    assert len(body.encode()) <= 65_536
    assert body.endswith("- uvicorn ü\n\nThe rest has no room here; the job's page has it.\n")


def test_only_the_stacks_own_files_count(root: Path) -> None:
    (root / "other").write_text("y\n")
    (root / "Pulumi.staging.yaml").write_text("z\n")
    assert changed_files(root, "prod") == {}
