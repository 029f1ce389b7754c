import httpx
import pytest

from jobs.api import Api, ApiError, api_of
from local.say import TroubleError
from tests.jobs.hub import REPOSITORY, Hub

ISSUES = f"/repos/{REPOSITORY}/issues"
OPEN = {"state": "open", "creator": "github-actions[bot]"}
LIMITED = httpx.Response(403, headers={"Retry-After": "1"}, json={"message": "slow down"})


@pytest.mark.parametrize("status", [403, 429])
def test_a_limited_request_is_sent_again_after_the_time_that_github_names(
    hub: Hub, status: int
) -> None:
    waited: list[float] = []
    hub.refusals = [httpx.Response(status, headers={"Retry-After": "7"}, json={"message": "slow"})]
    with Api("https://api.github.com", "t", transport=hub.open()._client._transport,
             sleep=waited.append) as api:  # fmt: skip
        api.send("POST", ISSUES, {"title": "t", "body": "b"})
    assert waited == [7.0]
    assert len(hub.issues) == 1


def test_a_limit_that_lasts_longer_than_a_job_should_wait_is_told_at_once(hub: Hub) -> None:
    hub.refusals = [httpx.Response(429, headers={"Retry-After": "3000"}, json={"message": "later"})]
    with hub.open() as api, pytest.raises(ApiError, match=r"429 \(later\)"):
        api.get(ISSUES, OPEN)
    assert hub.refusals == []


def test_patience_ends(hub: Hub) -> None:
    hub.refusals = [LIMITED] * 9
    with hub.open() as api, pytest.raises(ApiError, match="slow down"):
        api.get(ISSUES, OPEN)
    assert len(hub.refusals) == 5


def test_a_read_is_repeated_after_a_failure_of_the_server_and_a_write_is_not(hub: Hub) -> None:
    hub.refusals = [httpx.Response(502), httpx.ReadTimeout("slow")]
    with hub.open() as api:
        assert api.get(ISSUES, OPEN) == []
        for failure in (httpx.Response(502), httpx.ReadTimeout("slow")):
            hub.refusals = [failure]
            with pytest.raises(ApiError):
                api.send("POST", ISSUES, {"title": "t", "body": "b"})
    assert hub.issues == []


def test_a_refusal_tells_what_github_said(hub: Hub) -> None:
    hub.refusals = [httpx.Response(422, json={"message": "Invalid", "errors": [{"field": "x"}]})]
    with hub.open() as api, pytest.raises(ApiError, match=r"422 \(Invalid .*field") as caught:
        api.send("POST", ISSUES, {"title": "t"})
    assert caught.value.status == 422


def test_all_pages_of_a_list_are_read(hub: Hub) -> None:
    for number in range(250):
        hub.comment(7, f"comment {number}")
    with hub.open() as api:
        found = list(api.pages(f"{ISSUES}/7/comments"))
    assert [entry["body"] for entry in found] == [f"comment {number}" for number in range(250)]
    assert len(hub.log) == 3


def test_a_list_that_goes_on_at_another_host_is_refused(hub: Hub) -> None:
    hub.refusals = [
        httpx.Response(200, json=[], headers={"Link": '<https://evil.example/x>; rel="next"'})
    ]
    with hub.open() as api, pytest.raises(ApiError, match="another host"):
        list(api.pages(ISSUES))


def test_an_answer_that_is_cut_short_is_no_answer(hub: Hub) -> None:
    hub.refusals = [httpx.Response(200, content=b'[{"a"')]
    with hub.open() as api, pytest.raises(ApiError, match="truncated"):
        api.get(ISSUES)


def test_no_token_is_sent_in_the_clear() -> None:
    with pytest.raises(TroubleError, match="no https://"):
        Api("http://github.example", "secret")
    with api_of({"GITHUB_API_URL": "http://127.0.0.1:1/api/v3", "GITHUB_TOKEN": "t"}):
        pass
