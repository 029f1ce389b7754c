"""Retention goes by the registry's time: a clock that is wrong deletes nothing."""

import pytest

from fleet.console import TroubleError
from fleet.registry.client import TagList
from fleet.upkeep.prune.tag_list_check import agreed_time
from tests.fleet.upkeep.sweeping import BUILD, FIRST, LAST, Sweeper, repository, superseded
from tests.providers.ociregistry.registry_fake import http_date


def waiting(sweeper: Sweeper) -> str:
    """Have a digest superseded since the first day; return it."""
    old = superseded(sweeper)
    sweeper.sweep(FIRST)
    sweeper.registry.log.clear()
    return old


@pytest.mark.parametrize(
    ("date", "says"),
    [
        (http_date(FIRST), "registry's time is 2026-01-01T00:00:00Z, this machine's is 2026-02-01"),
        (http_date("2026-02-01T00:06:00+00:00"), "at most 5 minutes between them were expected"),
        ("", "without a valid Date header"),
        ("yesterday", "without a valid Date header"),
        ("Sun, 01 Feb 99999 00:00:00 GMT", "without a valid Date header"),
    ],
)
def test_this_machines_clock_alone_makes_nothing_due(
    sweeper: Sweeper, date: str, says: str
) -> None:
    old = waiting(sweeper)
    sweeper.date = date
    with pytest.raises(TroubleError, match=says):
        sweeper.sweep(LAST)
    assert sweeper.holds(BUILD, old)
    assert sweeper.registry.writes == []


def test_nothing_is_dated_by_a_clock_that_is_behind(sweeper: Sweeper) -> None:
    old = superseded(sweeper)
    sweeper.date = http_date(LAST)
    with pytest.raises(TroubleError, match="Correct the clock"):
        sweeper.sweep(FIRST)
    assert [item.digest for item in sweeper.sweep(LAST).gone] == []
    assert sweeper.holds(BUILD, old)


def test_a_few_minutes_between_them_are_no_matter_and_the_registrys_count(
    sweeper: Sweeper,
) -> None:
    old = waiting(sweeper)
    sweeper.date = http_date("2026-01-30T23:58:00+00:00")
    assert sweeper.sweep("2026-01-31T00:01:00+00:00").gone == ()
    assert sweeper.holds(BUILD, old)
    sweeper.date = http_date("2026-01-31T00:01:00+00:00")
    assert [item.digest for item in sweeper.sweep("2026-01-30T23:58:00+00:00").gone] == [old]


def test_the_registrys_time_is_returned_whatever_this_machines_zone(sweeper: Sweeper) -> None:
    place = repository(sweeper.registry)
    listed = TagList(tags=(), known=True, date="2026-01-01T12:00:00Z")
    assert agreed_time(place, listed, "2026-01-01T14:00:00+02:00") == "2026-01-01T12:00:00Z"
