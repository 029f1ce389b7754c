from collections.abc import Iterable

import pytest

from jobs.announced import require_announced
from jobs.comment import comment
from jobs.job import Job
from local.say import TroubleError
from providers.ociregistry.report import Entry
from render.report import joined
from tests.jobs.conftest import COMMIT, HEAD
from tests.jobs.examples import BUILD, NEW, OLD, REGISTRY, report_of, retire
from tests.jobs.hub import Hub

ONE, TWO = retire("py3.8-LATEST"), retire("py3.9-LATEST")


def announce(
    hub: Hub, job: Job, number: int, commit: str, names: Iterable[str | Entry], **pull: object
) -> None:
    """Merge a pull request by `commit` whose preview announced `names`, on `OLD` or as given."""
    report = report_of([retire(name) if isinstance(name, str) else name for name in names])
    hub.comment(number, comment(job.context, "prod", report))
    hub.pull(number, HEAD, **pull)  # type: ignore[arg-type]
    hub.of_commit.setdefault(commit, []).append(number)


def test_a_merge_may_remove_what_its_preview_announced(hub: Hub, job: Job) -> None:
    announce(hub, job, 7, COMMIT, ["py3.8-LATEST", "py3.9-LATEST"])
    require_announced(job, report_of([ONE]), [])
    require_announced(job, report_of([ONE, TWO]), [])


def test_one_name_more_stops_it_with_both_lists_and_the_remedy(hub: Hub, job: Job) -> None:
    announce(hub, job, 7, COMMIT, ["py3.8-LATEST"])
    with pytest.raises(TroubleError) as caught:
        require_announced(job, report_of([ONE, TWO]), [])
    text = str(caught.value)
    assert f"not announced:\n  {TWO.ref} {OLD}\n" in text
    assert f"announced:\n  {ONE.ref} {OLD}\n" in text
    assert "#7" in text
    assert text.endswith(f"removals:\n  {TWO.ref}@{OLD}")


def test_a_pointer_that_moved_after_its_announcement_is_not_announced_any_more(
    hub: Hub, job: Job
) -> None:
    announce(hub, job, 7, COMMIT, ["py3.8-LATEST", "py3.9-LATEST"])
    moved = retire("py3.8-LATEST", NEW)
    with pytest.raises(TroubleError) as caught:
        require_announced(job, report_of([moved, TWO]), [])
    text = str(caught.value)
    assert "1 names would be removed" in text
    assert f"  {ONE.ref} {NEW}, moved since it was announced with {OLD}\n" in text
    assert text.endswith(f"removals:\n  {ONE.ref}@{NEW}")


def test_of_two_pull_requests_the_one_that_saw_it_as_it_is_counts(hub: Hub, job: Job) -> None:
    announce(hub, job, 7, COMMIT, [retire("py3.8-LATEST", NEW)])
    announce(hub, job, 8, COMMIT, ["py3.8-LATEST"])
    require_announced(job, report_of([retire("py3.8-LATEST", NEW)]), [])
    require_announced(job, report_of([ONE]), [])


def test_without_a_removal_github_is_not_asked(hub: Hub, job: Job) -> None:
    require_announced(job, report_of([BUILD]), [])
    assert hub.log == []


def test_a_preview_of_an_older_commit_announced_nothing(hub: Hub, job: Job) -> None:
    announce(hub, job, 7, COMMIT, ["py3.8-LATEST"])
    hub.pulls[0]["head"]["sha"] = "b" * 40
    with pytest.raises(TroubleError, match=r"#7 \(not of its last commit\)"):
        require_announced(job, report_of([ONE]), [])


def test_pull_requests_whose_runs_were_replaced_in_the_queue_count(hub: Hub, job: Job) -> None:
    before, between = "d" * 40, "e" * 40
    hub.succeeded = [before]
    hub.spans[f"{before}...{COMMIT}"] = [between, COMMIT]
    announce(hub, job, 7, between, ["py3.8-LATEST"])
    announce(hub, job, 8, COMMIT, ["py3.9-LATEST"])
    require_announced(job, report_of([ONE, TWO]), [])


def test_what_was_announced_before_the_last_success_is_spent(hub: Hub, job: Job) -> None:
    before = "d" * 40
    hub.succeeded = [before]
    hub.spans[f"{before}...{COMMIT}"] = [COMMIT]
    announce(hub, job, 7, before, ["py3.8-LATEST"])
    with pytest.raises(TroubleError, match="pull requests looked at: none"):
        require_announced(job, report_of([ONE]), [])


def test_a_rewritten_history_leaves_the_merged_commit_alone_to_look_at(hub: Hub, job: Job) -> None:
    hub.succeeded = ["d" * 40]
    announce(hub, job, 7, COMMIT, ["py3.8-LATEST"])
    require_announced(job, report_of([ONE]), [])


@pytest.mark.parametrize("pull", [{"merged": False}, {"base": "next"}])
def test_only_what_was_merged_into_the_branch_counts(
    hub: Hub, job: Job, pull: dict[str, object]
) -> None:
    made = {key: value for key, value in pull.items() if key == "merged"}
    announce(hub, job, 7, COMMIT, ["py3.8-LATEST"], **made)
    hub.pulls[0]["base"]["ref"] = pull.get("base", "main")
    with pytest.raises(TroubleError, match="looked at: none"):
        require_announced(job, report_of([ONE]), [])


def test_a_comment_of_somebody_else_announces_nothing(hub: Hub, job: Job) -> None:
    body = comment(job.context, "prod", report_of([ONE]))
    hub.comment(7, body, author="mallory")
    hub.pull(7, HEAD)
    hub.of_commit[COMMIT] = [7]
    with pytest.raises(TroubleError, match="no preview announced"):
        require_announced(job, report_of([ONE]), [])


@pytest.mark.parametrize(
    "allowed",
    [
        "py3.8-LATEST",
        f"py3.8-LATEST@{OLD}",
        f"{REGISTRY}:py3.8-LATEST",
        f"{REGISTRY}:py3.8-LATEST@{OLD}",
    ],
)
def test_a_person_may_allow_names_and_no_others(hub: Hub, job: Job, allowed: str) -> None:
    require_announced(job, report_of([ONE]), [allowed])
    with pytest.raises(TroubleError, match=TWO.ref):
        require_announced(job, report_of([ONE, TWO]), [allowed])


def test_a_name_that_was_allowed_with_a_digest_is_so_with_no_other(job: Job) -> None:
    with pytest.raises(TroubleError, match="no preview announced"):
        require_announced(job, report_of([ONE]), [f"{ONE.ref}@{NEW}"])


def test_a_preview_without_a_report_lets_nothing_pass(job: Job) -> None:
    with pytest.raises(TroubleError, match="left no report"):
        require_announced(job, None, [])


def test_of_several_stacks_each_has_to_have_said_what_goes(job: Job) -> None:
    with pytest.raises(TroubleError, match="left no report"):
        require_announced(job, joined({"prod-a": report_of([BUILD]), "prod-b": None}), [])
