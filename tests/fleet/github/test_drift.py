import pytest

from fleet.github.drift import repair, report_drift, troubles
from fleet.github.job import Job
from fleet.reports.report import Report, joined
from tests.fleet.github.examples import KEEP, MOVE, OLD, SAME, remove, report_of
from tests.fleet.github.hub import Hub

BLIND = report_of([SAME], unverified=("x:1 could not be verified: timeout",))
NONE = report_of([SAME, KEEP])
DRIFT = report_of([MOVE, KEEP])


def test_drift_is_told_in_one_issue_that_is_updated_and_closed(hub: Hub, job: Job) -> None:
    assert report_drift(job, DRIFT)
    assert report_drift(job, report_of([remove("py3.9-LATEST")]))
    (issue,) = hub.issues
    assert issue["state"] == "open"
    assert OLD[7:19] in issue["body"]
    assert "py3.13-LATEST" not in issue["body"]
    assert report_drift(job, NONE)
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert report_drift(job, DRIFT)
    assert [entry["state"] for entry in hub.issues] == ["closed", "open"]


def test_without_drift_nothing_is_written(hub: Hub, job: Job) -> None:
    assert report_drift(job, NONE)
    assert hub.writes == []


def test_what_stays_is_no_drift(hub: Hub, job: Job) -> None:
    report_drift(job, DRIFT)
    assert "`keep`" not in hub.issues[0]["body"]


def test_what_was_edited_on_github_is_drift(hub: Hub, job: Job) -> None:
    edited = report_of([SAME], changes=("update github:index:RepositoryFile up",))
    assert report_drift(job, edited)
    assert "RepositoryFile" in hub.issues[0]["body"]


@pytest.mark.parametrize(
    "found",
    [
        BLIND,
        None,
        report_of([SAME], errors=("no",)),
        report_of([SAME], complete=False),
    ],
)
def test_a_run_that_could_not_look_everywhere_fails_and_closes_nothing(
    hub: Hub, job: Job, found: Report | None
) -> None:
    assert not report_drift(job, found)
    assert hub.writes == []
    report_drift(job, DRIFT)
    assert not report_drift(job, found)
    assert hub.issues[0]["state"] == "open"
    assert troubles(found)[0] in hub.issues[0]["body"]


def test_an_issue_of_somebody_else_is_left_alone(hub: Hub, job: Job) -> None:
    report_drift(job, DRIFT)
    hub.issues[0]["user"]["login"] = "mallory"
    report_drift(job, NONE)
    assert hub.issues[0]["state"] == "open"
    report_drift(job, DRIFT)
    assert len(hub.issues) == 2


def test_the_repair_starts_up_and_authorises_no_removal(hub: Hub, job: Job) -> None:
    repair(job, report_of([remove("py3.9-LATEST"), MOVE]))
    assert hub.dispatched == [{"workflow": "up.yml", "ref": "main"}]


def test_there_is_nothing_to_repair_without_drift(hub: Hub, job: Job) -> None:
    repair(job, NONE)
    assert hub.log == []


def test_a_stack_of_which_nothing_is_known_keeps_the_issue_open(hub: Hub, job: Job) -> None:
    report_drift(job, DRIFT)
    known = {"prod-a": report_of([SAME]), "prod-b": None}
    assert not report_drift(job, joined(known))
    assert hub.issues[0]["state"] == "open"
    assert "prod-b: the preview ended before it could report" in hub.issues[0]["body"]
    assert report_drift(job, joined({"prod-a": NONE}))
    assert hub.issues[0]["state"] == "closed"


def test_drift_of_any_stack_is_told_in_the_one_issue(hub: Hub, job: Job) -> None:
    known = {"prod-a": report_of([SAME]), "prod-b": report_of([MOVE])}
    assert report_drift(job, joined(known))
    assert "| `prod-b` | `0 build, 1 re-point" in hub.issues[0]["body"]
    assert "| `py3.13-LATEST` | `re-point` |" in hub.issues[0]["body"]
