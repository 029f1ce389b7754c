"""What PyPI says, and what is made of it when it says nonsense or nothing."""

import hashlib
from dataclasses import replace
from typing import Any

import httpx
import pytest

from fleet.http.blocking import Blocking
from releases.pypi import File, PackageIndexError, content, files, files_in, yanked, yanked_in
from tests.releases.answering import answering

NONSENSE = [
    httpx.Response(503),
    httpx.Response(404),
    httpx.Response(200, text="<html>"),
    httpx.Response(200, json={"releases": {}, "files": []}),
    httpx.Response(200, json=[]),
    httpx.Response(200, json={"releases": 1, "files": 1}),
    httpx.ConnectError("refused"),
    httpx.ReadTimeout("slow"),
]
A_FILE = File(
    name="a-1.tar.gz",
    url="https://files.test/a-1.tar.gz",
    sha256=f"sha256:{hashlib.sha256(b'bytes').hexdigest()}",
    requires_python="",
    yanked=False,
)


def client(answer: httpx.Response | Exception, url: str) -> Blocking:
    def handle(request: httpx.Request) -> httpx.Response:
        assert request.url == url
        if isinstance(answer, Exception):
            raise answer
        return answer

    return answering(handle)


def test_a_version_is_yanked_when_each_of_its_files_is() -> None:
    releases = {
        "0.17.0": [{"yanked": True}, {"yanked": True}],
        "0.18.0": [{"yanked": True}, {"yanked": False}],
        "0.19.0": [{"yanked": False}],
        "0.20.0": [],
    }
    assert yanked_in({"releases": releases}) == ("0.17.0",)


@pytest.mark.parametrize("answer", NONSENSE)
def test_an_index_that_is_down_or_talks_nonsense_is_an_error(
    answer: httpx.Response | Exception,
) -> None:
    with (
        client(answer, "https://pypi.org/pypi/uvicorn/json") as http,
        pytest.raises(PackageIndexError, match="can't be asked about uvicorn"),
    ):
        yanked("uvicorn", http)
    with (
        client(answer, "https://pypi.org/simple/uvicorn/") as http,
        pytest.raises(PackageIndexError, match="can't be asked about uvicorn"),
    ):
        files("uvicorn", http)


@pytest.mark.parametrize("answer", [None, [], {}, {"releases": None}, {"releases": []}])
def test_an_answer_without_releases_is_never_taken_for_none_yanked(answer: Any) -> None:
    with pytest.raises(ValueError, match="no releases"):
        yanked_in(answer)


def listed(**overrides: Any) -> dict[str, Any]:
    return {
        "filename": "a-1-py3-none-any.whl",
        "url": "https://files.test/a-1-py3-none-any.whl",
        "hashes": {"sha256": "a" * 64},
        **overrides,
    }


def test_files_are_read_as_the_index_lists_them() -> None:
    entry = listed(**{"requires-python": ">=3.9", "yanked": "broken"})
    answer = httpx.Response(200, json={"files": [entry]})
    with client(answer, "https://pypi.org/simple/zope-interface/") as http:
        found = files("zope.interface", http)
    assert found == (
        File(
            name="a-1-py3-none-any.whl",
            url="https://files.test/a-1-py3-none-any.whl",
            sha256=f"sha256:{'a' * 64}",
            requires_python=">=3.9",
            yanked=True,
        ),
    )


@pytest.mark.parametrize(
    ("said", "taken"), [({}, False), ({"yanked": False}, False), ({"yanked": True}, True)]
)
def test_a_file_is_yanked_when_the_index_says_so(said: dict[str, Any], taken: bool) -> None:
    assert files_in({"files": [listed(**said)]})[0].yanked is taken


def test_a_file_without_a_hash_is_none_that_a_lock_can_name() -> None:
    assert files_in({"files": [listed(hashes={}), listed(), listed(hashes=None), "x"]})[1:] == ()


def test_a_file_without_a_name_is_nonsense() -> None:
    with pytest.raises(ValueError, match="without a name"):
        files_in({"files": [listed(filename=None)]})


def test_a_file_is_what_its_hash_stands_for() -> None:
    with client(httpx.Response(200, content=b"bytes"), A_FILE.url) as http:
        assert content(A_FILE, http) == b"bytes"


def test_another_file_is_refused() -> None:
    with (
        client(httpx.Response(200, content=b"others"), A_FILE.url) as http,
        pytest.raises(PackageIndexError, match=r"a-1\.tar\.gz is sha256:.* the index says"),
    ):
        content(A_FILE, http)


def test_a_file_from_anywhere_else_is_refused() -> None:
    with (
        client(httpx.Response(200), "") as http,
        pytest.raises(PackageIndexError, match="no https"),
    ):
        content(replace(A_FILE, url="file:///etc/passwd"), http)
