from collections.abc import Callable
from dataclasses import replace

import pytest

from fleet.console import TroubleError
from fleet.declaration.github import GitHub
from fleet.declaration.parse import parse
from fleet.github.handover import Proposal
from fleet.github.job import Job
from fleet.github.proposal import branch_of, propose
from fleet.pages.markdown import FOLDED, FOLDED_END
from tests.fleet.examples import config
from tests.fleet.github.conftest import COMMIT, HEAD
from tests.fleet.github.hub import REPOSITORY, Hub

BRANCH = branch_of("prod")
Propose = Callable[..., None]


def declaring(*versions: int) -> dict[str, str]:
    return {"Pulumi.prod.yaml": f"versions: {list(versions)}\n"}


ONE = declaring(1, 2)


def declared(**more: str) -> GitHub:
    found = parse(config(github={"repository": REPOSITORY, **more})).github
    assert found is not None
    return found


@pytest.fixture
def run(hub: Hub, job: Job) -> Propose:
    """Propose files; GitHub knows the commit of the job."""
    hub.branches.add(job.commit)

    def run(
        files: dict[str, str] = ONE,
        summary: str = "- uvicorn 1.1",
        newcomers: tuple[str, ...] = (),
        **github: str,
    ) -> None:
        found = Proposal(files=files, summary=summary, newcomers=newcomers)
        propose(job, declared(**github), found)

    return run


def test_what_changed_becomes_one_pull_request_on_a_branch_of_its_own(
    hub: Hub, run: Propose
) -> None:
    files = {**ONE, "locks/prod.yaml": "lock\n"}
    run(files)
    assert hub.branches.files(BRANCH) == files
    commit = hub.branches.commits[hub.branches.refs[BRANCH]]
    assert commit["parents"] == [COMMIT]
    (pull,) = hub.pulls
    assert (pull["head"]["ref"], pull["body"]) == (BRANCH, "- uvicorn 1.1")
    assert hub.merging == []


def test_a_second_run_with_the_same_releases_writes_no_commit(hub: Hub, run: Propose) -> None:
    run()
    before = dict(hub.branches.refs)
    run()
    assert hub.branches.refs == before
    assert len(hub.pulls) == 1


def test_newer_releases_update_the_same_pull_request(hub: Hub, run: Propose) -> None:
    run()
    run(declaring(1, 3), summary="- uvicorn 1.2")
    assert hub.branches.files(BRANCH) == declaring(1, 3)
    assert [pull["body"] for pull in hub.pulls] == ["- uvicorn 1.2"]


def test_the_branch_follows_the_declared_one(hub: Hub, job: Job, run: Propose) -> None:
    run()
    hub.branches.add(HEAD)
    propose(replace(job, commit=HEAD), declared(), Proposal(files=ONE, summary="- uvicorn 1.1"))
    assert hub.branches.commits[hub.branches.refs[BRANCH]]["parents"] == [HEAD]


def test_nothing_new_writes_nothing_and_closes_what_is_open(hub: Hub, run: Propose) -> None:
    run({})
    assert hub.writes == []
    run()
    run({})
    assert hub.pulls[0]["state"] == "closed"
    assert BRANCH not in hub.branches.refs


def test_it_merges_by_itself_where_that_is_declared(hub: Hub, run: Propose) -> None:
    hub.settings = {"allow_squash_merge": False, "allow_merge_commit": True}
    run(versions="merge")
    assert hub.merging == [{"pull": "PR_1", "method": "MERGE"}]


def test_what_no_image_installed_before_waits_for_a_person(hub: Hub, run: Propose) -> None:
    run(versions="merge", newcomers=("web: odd",))
    assert hub.merging == []
    told = "Installed for the first time: web: odd. Merge by hand.\n\n- uvicorn 1.1"
    assert hub.pulls[0]["body"] == told
    run(versions="propose", newcomers=("web: odd",))
    assert hub.pulls[0]["body"] == "- uvicorn 1.1"


def test_one_that_merges_by_itself_no_more_does_before_the_branch_has_a_newcomer(
    hub: Hub, run: Propose
) -> None:
    run(versions="merge")
    hub.pulls[0]["auto_merge"] = {
        "enabled_by": hub.sampled("simple-user", login="app"), "merge_method": "merge",
        "commit_title": "", "commit_message": "",
    }  # fmt: skip
    hub.log.clear()
    run(declaring(1, 2, 3), versions="merge", newcomers=("web: odd",))
    assert hub.merging[1:] == [{"pull": "PR_1"}]
    assert hub.log.index("POST /graphql") < min(
        index for index, line in enumerate(hub.log) if line.startswith(("POST /repos", "PATCH"))
    )
    hub.merge_errors = ["no"]
    with pytest.raises(TroubleError, match="Turn off its auto-merge"):
        run(declaring(1, 2, 3, 4), versions="merge", newcomers=("web: odd",))
    assert hub.branches.files(BRANCH) == declaring(1, 2, 3)


def test_a_refused_auto_merge_names_the_settings(hub: Hub, run: Propose) -> None:
    hub.merge_errors = ["Pull request is in clean status"]
    with pytest.raises(TroubleError, match=r"clean status\.\nAllow .* check and preview"):
        run(versions="merge")


def test_a_text_that_github_would_refuse_is_cut_at_a_line_and_says_so(
    hub: Hub, run: Propose
) -> None:
    run(summary="- uvicorn ü\n" * 20_000)
    body = hub.pulls[0]["body"]
    assert len(body.encode()) <= 65_536
    assert body.endswith("- uvicorn ü\n\nThe rest has no room here; the job's page has it.\n")


def test_what_is_folded_is_closed_where_it_is_cut(hub: Hub, run: Propose) -> None:
    row = f"| `{'x' * 300}` |\n"
    rest = "The rest has no room here; the job's page has it.\n"
    run(summary=f"{FOLDED.format('All')}\n\n{row * 1000}\n{FOLDED_END}\n")
    body = hub.pulls[0]["body"]
    assert len(body.encode()) <= 65_536
    assert body.endswith(f"|\n\n{FOLDED_END}\n\n{rest}")
