from dataclasses import replace

import pytest

from fleet.console import TroubleError
from fleet.github.comment import job_page, write_comment
from fleet.github.job import Job
from fleet.reports.report import joined
from tests.fleet.github.conftest import HEAD
from tests.fleet.github.examples import BUILD, MOVE, OLD, REGISTRY, remove, report_of
from tests.fleet.github.hub import Hub


def test_every_run_writes_the_same_one_comment(hub: Hub, job: Job) -> None:
    write_comment(job, report_of([BUILD]))
    write_comment(job, report_of([MOVE]))
    assert len(hub.comments[7]) == 1
    body = hub.comments[7][0]["body"]
    assert "py3.13-LATEST" in body
    assert "`build`" not in body


def test_what_others_wrote_is_never_taken_for_the_comment(hub: Hub, job: Job) -> None:
    write_comment(job, report_of([remove("py3.9-LATEST")]))
    forged = hub.comments.pop(7)[0]["body"]
    hub.comment(7, forged, author="mallory")
    hub.comment(7, "hello")
    write_comment(job, report_of([BUILD]))
    assert [entry["user"]["login"] for entry in hub.comments[7]] == [
        "mallory", "github-actions[bot]", "github-actions[bot]",
    ]  # fmt: skip
    assert hub.comments[7][0]["body"] == forged


def test_each_stack_has_a_comment_of_its_own(hub: Hub, job: Job) -> None:
    write_comment(job, report_of([BUILD]))
    write_comment(replace(job, stack="staging"), report_of([MOVE]))
    assert len(hub.comments[7]) == 2


def test_the_comment_shows_people_what_would_be_removed_and_tells_machines_nothing(
    hub: Hub, job: Job
) -> None:
    write_comment(job, report_of([remove("py3.9-LATEST"), BUILD]))
    body = hub.comments[7][0]["body"]
    hidden, _, shown = body.partition("-->")
    assert hidden == "<!-- fleet-preview prod "
    assert OLD[7:19] in shown
    assert HEAD in shown


def test_a_run_that_broke_off_says_so(hub: Hub, job: Job) -> None:
    write_comment(job, report_of([remove("py3.9-LATEST")]))
    write_comment(job, None)
    (entry,) = hub.comments[7]
    assert "ended before it could say" in entry["body"]
    assert "py3.9-LATEST" not in entry["body"]


def test_outside_of_a_pull_request_there_is_nothing_to_comment_on(job: Job) -> None:
    with pytest.raises(TroubleError, match="no pull request"):
        write_comment(replace(job, pull_request=0), None)


def test_the_page_of_a_job_has_the_line_and_the_tables() -> None:
    page = job_page("prod", report_of([BUILD, MOVE]), 10_000)
    assert page.startswith("## `prod`\n\n`1 build, 1 re-point")
    assert f"### `{REGISTRY}` (2)" in page


def test_the_stacks_of_a_split_fleet_share_the_comment_with_a_line_each(hub: Hub, job: Job) -> None:
    gone = remove("py3.9-LATEST")
    found = joined({"prod-a": report_of([BUILD]), "prod-b": report_of([gone]), "prod-c": None})
    write_comment(job, found)
    (entry,) = hub.comments[7]
    assert "| `prod-a` | `1 build, 0 re-point" in entry["body"]
    assert "| `prod-c` | The run ended before it could say" in entry["body"]
    assert f"### `{REGISTRY}` (2)" in entry["body"]
    assert "`py3.9-LATEST` | `remove`" in entry["body"]


def test_of_a_split_fleet_that_none_could_say_anything_is_a_run_that_broke_off() -> None:
    assert joined({"prod-a": None, "prod-b": None}) is None
