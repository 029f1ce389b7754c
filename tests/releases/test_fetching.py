"""Answers over HTTP: whole and in time, or not at all."""

import time
from collections.abc import Iterator

import httpx
import pytest

from releases.fetching import FetchError, fetched

URL = "https://files.test/a"


def client(*answers: httpx.Response | Exception) -> httpx.Client:
    left = list(answers)

    def handle(_: httpx.Request) -> httpx.Response:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.Client(transport=httpx.MockTransport(handle))


class Drip(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b"."


@pytest.mark.parametrize(
    "passing", [httpx.Response(503), httpx.Response(429), httpx.ConnectError("refused")]
)
def test_what_may_pass_is_tried_again(
    passing: httpx.Response | Exception, waits: list[float]
) -> None:
    with client(passing, passing, httpx.Response(200, content=b"x")) as http:
        assert fetched(URL, http, largest=1) == b"x"
    assert waits == [1, 2]


def test_three_tries_are_all(waits: list[float]) -> None:
    with client(*[httpx.ReadTimeout("slow")] * 3) as http, pytest.raises(FetchError, match="slow"):
        fetched(URL, http, largest=1)
    assert len(waits) == 2


def test_a_refusal_is_final(waits: list[float]) -> None:
    with client(httpx.Response(404)) as http, pytest.raises(FetchError, match="answer is 404"):
        fetched(URL, http, largest=1)
    assert waits == []


def test_a_redirect_is_no_answer() -> None:
    elsewhere = httpx.Response(302, headers={"Location": "http://elsewhere.test"})
    with client(elsewhere) as http, pytest.raises(FetchError, match="302"):
        fetched(URL, http, largest=1)


def test_more_than_is_read_is_refused() -> None:
    with (
        client(httpx.Response(200, stream=Drip())) as http,
        pytest.raises(FetchError, match="more than the 1000 bytes"),
    ):
        fetched(URL, http, largest=1000)


def test_an_answer_that_drips_on_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 50))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with (
        client(httpx.Response(200, stream=Drip())) as http,
        pytest.raises(FetchError, match="not answer whole within 120 s"),
    ):
        fetched(URL, http, largest=1000)


@pytest.mark.parametrize("url", ["http://files.test/a", "file:///etc/passwd", ""])
def test_nothing_but_https_is_asked(url: str) -> None:
    with client() as http, pytest.raises(FetchError, match="no https"):
        fetched(url, http, largest=1)
