"""What PyPI says, and what is made of it when it says nonsense or nothing."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from fleet.http.blocking import Blocking
from fleet.releases.pypi.pypi import File, PackageIndexError, content, files, files_in
from tests.fleet.releases.answering import answering

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
    uploaded=None,
)


def client(answer: httpx.Response | Exception, url: str) -> Blocking:
    def handle(request: httpx.Request) -> httpx.Response:
        assert request.url == url
        if isinstance(answer, Exception):
            raise answer
        return answer

    return answering(handle)


@pytest.mark.parametrize("answer", NONSENSE)
def test_an_index_that_is_down_or_talks_nonsense_is_an_error(
    answer: httpx.Response | Exception,
) -> None:
    with (
        client(answer, "https://pypi.org/simple/uvicorn/") as http,
        pytest.raises(PackageIndexError, match="can't be asked about uvicorn"),
    ):
        files("uvicorn", http)


def test_an_index_of_ones_own_is_asked_and_its_addresses_may_be_relative() -> None:
    answer = httpx.Response(200, json={"files": [listed(url="../../files/a.whl")]})
    with client(answer, "https://index.test/root/simple/a/") as http:
        (found,) = files("A", http, index="https://index.test/root/simple/")
    assert found.url == "https://index.test/root/files/a.whl"


def test_an_address_is_without_the_hash_that_some_indexes_write_behind_it() -> None:
    (found,) = files_in({"files": [listed(url="https://i.test/a-1.tar.gz?t=1#sha256=00")]})
    assert found.url == "https://i.test/a-1.tar.gz?t=1"  # a lock writes the hash behind it


@pytest.mark.parametrize("text", [None, "", "yesterday", 1, []])
def test_a_time_that_is_none_is_not_made_up(text: Any) -> None:
    assert files_in({"files": [listed(**{"upload-time": text})]})[0].uploaded is None


def listed(**overrides: Any) -> dict[str, Any]:
    return {
        "filename": "a-1-py3-none-any.whl",
        "url": "https://files.test/a-1-py3-none-any.whl",
        "hashes": {"sha256": "a" * 64},
        **overrides,
    }


def test_files_are_read_as_the_index_lists_them() -> None:
    entry = listed(
        **{"requires-python": ">=3.9", "yanked": "broken", "upload-time": "2026-11-01T12:30:00Z"}
    )
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
            uploaded=datetime(2026, 11, 1, 12, 30, tzinfo=UTC),
        ),
    )


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ({}, False),
        ({"yanked": False}, False),
        ({"yanked": None}, False),
        ({"yanked": ""}, False),
        ({"yanked": True}, True),
        ({"yanked": "broken"}, True),
    ],
)
def test_a_file_is_yanked_when_the_index_says_so(said: dict[str, Any], taken: bool) -> None:
    assert files_in({"files": [listed(**said)]})[0].yanked is taken


def test_a_file_without_a_hash_is_none_that_a_lock_can_name() -> None:
    odd = [listed(hashes={}), listed(hashes=None), listed(hashes={"sha256": 1}), "x"]
    assert len(files_in({"files": [*odd, listed()]})) == 1


def test_a_file_without_a_name_or_an_address_makes_no_other_unusable() -> None:
    nameless, nowhere = listed(filename=None), listed(url=None)
    assert len(files_in({"files": [nameless, nowhere, listed()]})) == 1


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
        pytest.raises(PackageIndexError, match="not an https"),
    ):
        content(replace(A_FILE, url="file:///etc/passwd"), http)
