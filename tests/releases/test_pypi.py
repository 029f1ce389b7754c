"""What PyPI says, and what is made of it when it says nonsense or nothing."""

from typing import Any

import httpx
import pytest

from releases.pypi import PackageIndexError, yanked, yanked_in


def client(answer: httpx.Response | Exception) -> httpx.Client:
    def handle(request: httpx.Request) -> httpx.Response:
        assert request.url == "https://pypi.org/pypi/uvicorn/json"
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.Client(transport=httpx.MockTransport(handle))


def test_a_version_is_yanked_when_each_of_its_files_is() -> None:
    releases = {
        "0.17.0": [{"yanked": True}, {"yanked": True}],
        "0.18.0": [{"yanked": True}, {"yanked": False}],
        "0.19.0": [{"yanked": False}],
        "0.20.0": [],
    }
    assert yanked_in({"releases": releases}) == ("0.17.0",)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503),
        httpx.Response(404),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"releases": {}}),
        httpx.Response(200, json=[]),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
    ],
)
def test_an_index_that_is_down_or_talks_nonsense_is_an_error(
    answer: httpx.Response | Exception,
) -> None:
    with client(answer) as http, pytest.raises(PackageIndexError, match="uvicorn"):
        yanked("uvicorn", http)


@pytest.mark.parametrize("answer", [None, [], {}, {"releases": None}, {"releases": []}])
def test_an_answer_without_releases_is_never_taken_for_none_yanked(answer: Any) -> None:
    with pytest.raises(ValueError, match="no releases"):
        yanked_in(answer)
