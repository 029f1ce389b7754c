"""Answers over HTTP: whole and in time, or not at all."""

import httpx
import pytest

from fleet.http.blocking import Blocking
from fleet.http.errors import HttpError
from fleet.releases.pypi.fetch import fetched, fetched_json
from tests.fleet.releases.answering import answering

URL = "https://files.test/a"


def client(waits: list[float], *answers: httpx.Response | Exception) -> Blocking:
    left = list(answers)

    def handle(_: httpx.Request) -> httpx.Response:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return answering(handle, waits)


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.mark.parametrize(
    "passing", [httpx.Response(503), httpx.Response(429), httpx.ConnectError("refused")]
)
def test_what_may_pass_is_tried_again(
    passing: httpx.Response | Exception, waits: list[float]
) -> None:
    with client(waits, passing, passing, httpx.Response(200, content=b"x")) as http:
        assert fetched(URL, http, largest=1) == b"x"
    assert len(waits) == 2


def test_three_tries_are_all(waits: list[float]) -> None:
    failing = [httpx.ReadTimeout("slow")] * 3
    with client(waits, *failing) as http, pytest.raises(HttpError, match="within 120 s"):
        fetched(URL, http, largest=1)
    assert len(waits) == 2


def test_a_refusal_is_final(waits: list[float]) -> None:
    with client(waits, httpx.Response(404)) as http, pytest.raises(HttpError, match="is 404"):
        fetched(URL, http, largest=1)
    assert waits == []


def test_a_redirect_down_to_http_is_no_answer(waits: list[float]) -> None:
    down = httpx.Response(302, headers={"Location": "http://files.test/a"})
    with client(waits, down) as http, pytest.raises(HttpError, match="from https to"):
        fetched(URL, http, largest=1)


def test_more_than_is_read_is_refused(waits: list[float]) -> None:
    with (
        client(waits, httpx.Response(200, content=b"." * 1001)) as http,
        pytest.raises(HttpError, match="exceeds 1000 bytes"),
    ):
        fetched(URL, http, largest=1000)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"", b"{", b"NaN"])
def test_what_is_no_sound_json_is_refused(body: bytes, waits: list[float]) -> None:
    with (
        client(waits, httpx.Response(200, content=body)) as http,
        pytest.raises(HttpError, match=f"{URL} is"),
    ):
        fetched_json(URL, http, largest=1_000_000)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:80"])
def test_an_index_on_this_machine_does_without_tls(host: str, waits: list[float]) -> None:
    with client(waits, httpx.Response(200, content=b"x")) as http:
        assert fetched(f"http://{host}/a", http, largest=1) == b"x"


@pytest.mark.parametrize(
    "url", ["http://files.test/a", "http://127.0.0.1.test/", "file:///etc/passwd", ""]
)
def test_nothing_but_https_is_asked(url: str, waits: list[float]) -> None:
    with client(waits) as http, pytest.raises(HttpError, match="not an https"):
        fetched(url, http, largest=1)
