import httpx
import pytest

from fleet.console import TroubleError
from fleet.github.api import Api, ApiError, api_of
from fleet.http.errors import HttpError
from tests.fleet.github.hub import REPOSITORY, Hub
from tests.fleet.http.serving import Connection, serving

ISSUES = f"/repos/{REPOSITORY}/issues"
OPEN = {"state": "open", "creator": "github-actions[bot]"}
LIMITED = httpx.Response(403, headers={"Retry-After": "1"}, json={"message": "slow down"})


@pytest.mark.parametrize("status", [403, 429])
def test_a_limited_request_is_sent_again_after_the_time_that_github_names(
    hub: Hub, status: int
) -> None:
    waited: list[float] = []
    hub.refusals = [httpx.Response(status, headers={"Retry-After": "7"}, json={"message": "slow"})]
    with hub.open(sleep=waited.append) as api:
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
            with pytest.raises(HttpError):
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
    with hub.open() as api, pytest.raises(HttpError, match="another host"):
        list(api.pages(ISSUES))


def test_an_answer_that_is_cut_short_is_no_answer(hub: Hub) -> None:
    hub.refusals = [httpx.Response(200, content=b'[{"a"')]
    with hub.open() as api, pytest.raises(HttpError, match="truncated"):
        api.get(ISSUES)


def test_no_token_is_sent_in_the_clear() -> None:
    with pytest.raises(TroubleError, match="not an https://"):
        Api("http://github.example", "secret")
    with pytest.raises(TroubleError, match="GITHUB_GRAPHQL_URL"):
        Api("https://github.example", "secret", graphql="http://github.example")
    with api_of({"GITHUB_API_URL": "http://127.0.0.1:1/api/v3", "GITHUB_TOKEN": "t"}):
        pass


@pytest.mark.parametrize("value", ["9" * 400, "\xb2", "-1", "Thu, 01 Jan 99999 00:00:00 GMT"])
def test_a_wait_that_makes_no_sense_is_an_error_of_ours(hub: Hub, value: str) -> None:
    headers = [(b"Retry-After", value.encode("latin-1"))]
    hub.refusals = [httpx.Response(403, headers=headers, json={"message": "later"})] * 9
    waited: list[float] = []
    with hub.open(sleep=waited.append) as api, pytest.raises(ApiError, match=r"403 \(later\)"):
        api.get(ISSUES, OPEN)
    assert all(0 <= wait <= 120 for wait in waited)


@pytest.mark.parametrize("body", [b"[" * 200_000, b"NaN", b"\xff"])
def test_an_answer_that_is_not_sound_json_is_an_error_of_ours(hub: Hub, body: bytes) -> None:
    hub.refusals = [httpx.Response(200, content=body)]
    with hub.open() as api, pytest.raises(HttpError, match="the answer is"):
        api.get(ISSUES, OPEN)


def test_what_github_says_is_one_line(hub: Hub) -> None:
    hub.refusals = [httpx.Response(422, json={"message": "a\x1b[2J\nb" + "c" * 10_000})]
    with hub.open() as api, pytest.raises(ApiError) as caught:
        api.send("POST", ISSUES, {"title": "t"})
    assert "a [2J b" in str(caught.value)
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


def test_an_answer_is_whole_within_the_deadline_or_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fleet.github.api._DEADLINE", 0.2)

    def dripping(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nX: ")
        connection.drip(b"x" * 10_000, 0.02)

    with (
        serving(dripping) as server,
        Api(server.url("/api/v3"), "t", sleep=lambda _: None) as api,
        pytest.raises(HttpError, match=r"no complete answer within 0\.2 s"),
    ):
        api.get(ISSUES)


@pytest.mark.parametrize("token", ["canary\n", " canary", "can ary", "canäry"])
def test_a_token_that_cannot_be_sent_is_refused_by_its_name_and_not_shown(token: str) -> None:
    with pytest.raises(HttpError, match=r"^GITHUB_TOKEN: ") as caught:
        api_of({"GITHUB_TOKEN": token})
    assert token.strip() not in str(caught.value)
