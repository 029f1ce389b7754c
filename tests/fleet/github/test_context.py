import json
from pathlib import Path

import pytest

from fleet.console import TroubleError
from fleet.github.api import Api
from fleet.github.job import Job, job_of
from fleet.github.run_files import read_report
from tests.fleet.github.examples import BUILD, written

JOB = {
    "GITHUB_REPOSITORY": "team/fleet",
    "GITHUB_REF_NAME": "main",
    "GITHUB_SHA": "c" * 40,
    "GITHUB_RUN_ID": "12",
}


def read_context(environment: dict[str, str]) -> Job:
    with Api("https://api.github.com", "") as api:
        return job_of(api, "prod", environment)


def test_a_job_of_a_pull_request_knows_its_number_and_commit(tmp_path: Path) -> None:
    event = {"pull_request": {"number": 7, "head": {"sha": "a" * 40}}}
    (tmp_path / "event.json").write_text(json.dumps(event))
    found = read_context({**JOB, "GITHUB_EVENT_PATH": str(tmp_path / "event.json")})
    assert (found.pull_request, found.head) == (7, "a" * 40)
    assert found.run == "https://github.com/team/fleet/actions/runs/12"


@pytest.mark.parametrize("event", ["{}", '{"pull_request": null}', "[]"])
def test_another_event_is_about_no_pull_request(tmp_path: Path, event: str) -> None:
    (tmp_path / "event.json").write_text(event)
    assert read_context({**JOB, "GITHUB_EVENT_PATH": str(tmp_path / "event.json")}).head == ""


def test_by_hand_there_is_no_job_and_it_says_so() -> None:
    with pytest.raises(
        TroubleError, match=r"(?s)GITHUB_REPOSITORY, GITHUB_REF_NAME, GITHUB_SHA, .*make preview"
    ):
        read_context({})


def test_a_report_is_read_as_the_provider_wrote_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    monkeypatch.setenv("FLEET_REPORT", str(path))
    assert read_report() is None
    path.write_text(json.dumps(written(BUILD)))
    report = read_report()
    assert report is not None
    assert report.of("build")[0].platforms == BUILD.platforms


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 2}'])
def test_what_is_no_report_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    path = tmp_path / "report.json"
    path.write_text(content)
    monkeypatch.setenv("FLEET_REPORT", str(path))
    with pytest.raises(TroubleError, match=r"(?s)report\.json: .*Run the preview again"):
        read_report()
    monkeypatch.delenv("FLEET_REPORT")
    with pytest.raises(TroubleError, match="FLEET_REPORT is not set"):
        read_report()
