"""Python's release cycle: as it is published, and what is made of nonsense."""

from datetime import date
from typing import Any

import httpx
import pytest

from fleet.http.blocking import Blocking
from fleet.releases.discovery.release_cycle import FEED, Cycle, CycleError, cycles, cycles_in
from tests.fleet.releases.answering import answering
from tests.fleet.releases.listing import answer, recorded_cycles

ENTRY = answer("release-cycle")["3.13"]


def client(given: httpx.Response | Exception) -> Blocking:
    def handle(request: httpx.Request) -> httpx.Response:
        assert request.url == FEED
        if isinstance(given, Exception):
            raise given
        return given

    return answering(handle)


def test_the_published_cycle_is_read() -> None:
    found = recorded_cycles()
    assert found["3.9"] == Cycle(status="end-of-life", end_of_life=date(2025, 10, 31))
    assert found["3.10"] == Cycle(status="security", end_of_life=date(2026, 10, 31))
    assert [name for name, cycle in found.items() if cycle.released] == [
        "3.14", "3.13", "3.12", "3.11", "3.10",
    ]  # fmt: skip
    assert [name for name, cycle in found.items() if cycle.over] == ["3.9", "3.8", "2.7"]


def test_a_month_alone_means_its_last_day() -> None:
    found = cycles_in({"3.13": {**ENTRY, "end_of_life": "2028-02"}})
    assert found["3.13"].end_of_life == date(2028, 2, 29)


def test_the_feed_is_asked() -> None:
    with client(httpx.Response(200, json=answer("release-cycle"))) as http:
        assert cycles(http) == recorded_cycles()


@pytest.mark.parametrize(
    "given",
    [
        httpx.Response(500),
        httpx.Response(404),
        httpx.ReadTimeout("slow"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, content=b"[" * (1024 * 1024 + 1)),
        httpx.Response(200, json={}),
    ],
)
def test_a_feed_that_is_down_or_talks_nonsense_is_an_error(
    given: httpx.Response | Exception,
) -> None:
    with client(given) as http, pytest.raises(CycleError, match="release cycle can't be read"):
        cycles(http)


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        [],
        {"3.13": None},
        {"3.13": {**ENTRY, "status": "fine"}},
        {"3.13": {**ENTRY, "end_of_life": "2028-13"}},
        {"3.13": {**ENTRY, "end_of_life": "2028-02-30"}},
        {"3.13": {**ENTRY, "end_of_life": "soon"}},
        {"3.13": {**ENTRY, "end_of_life": None}},
        {"three": ENTRY},
        {"3.13": {**ENTRY, "status": "end-of-life"}},
    ],
)
def test_nothing_is_read_into_nonsense(nonsense: Any) -> None:
    with pytest.raises(ValueError, match=r"the answer|month"):
        cycles_in(nonsense)
