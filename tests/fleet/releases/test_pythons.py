"""Which Pythons are kept, by the published release cycle and by policy."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from fleet.declaration.problems import Problems
from fleet.releases.discovery.change import DiscoveryError
from fleet.releases.discovery.pythons import PythonList, kept, note_disagreements
from fleet.releases.discovery.release_cycle import Cycle
from tests.fleet.examples import declaration
from tests.fleet.releases.listing import recorded_cycles

TODAY = date(2026, 11, 23)
AFTER = "90 days after end of life"


def pythons(*names: str, **policy: Any) -> PythonList:
    said = {"python-releases": policy} if policy else {}
    image = declaration(pythons=list(names), **said).images[0]
    return PythonList(path=("config", "fleet:defaults", "pythons"), images=(image,))


def moved(
    one: PythonList,
    today: date = TODAY,
    cycles: Mapping[str, Cycle] | None = None,
    missing: Mapping[str, str] | None = None,
) -> tuple[tuple[str, ...], list[str]]:
    found, changes = kept(
        one, cycles or recorded_cycles(), today, lambda p: (missing or {}).get(p, "")
    )
    assert {change.place for change in changes} <= {"fleet:defaults.pythons"}
    return found, [f"{change.what} {change.how}: {change.why}" for change in changes]


def test_a_python_past_its_end_leaves_where_that_is_declared() -> None:
    found, told = moved(pythons("3.9", "3.13", retire="at end of life"))
    assert found == ("3.13",)
    assert told == ["Python 3.9 leaves: its end of life was on 2025-10-31"]


@pytest.mark.parametrize(
    ("today", "stays"), [(date(2026, 1, 29), True), (date(2026, 1, 30), False)]
)
def test_days_are_counted_from_the_end(today: date, *, stays: bool) -> None:
    found, told = moved(pythons("3.9", "3.13", retire=AFTER), today)
    assert ("3.9" in found) is stays
    stay = "Python 3.9 stays: its end of life was on 2025-10-31; it leaves after 2026-01-29"
    leave = "Python 3.9 leaves: its end of life was on 2025-10-31"
    assert told == [stay if stays else leave]


def test_without_a_policy_there_is_a_warning() -> None:
    found, told = moved(pythons("3.9", "3.13", retire="never"))
    assert found == ("3.9", "3.13")
    assert told == ["Python 3.9 stays: its end of life was on 2025-10-31; no policy retires it"]


def test_a_planned_day_that_has_passed_ends_nothing() -> None:
    found, told = moved(pythons("3.10", "3.13", retire="at end of life"))
    assert (found, told) == (("3.10", "3.13"), [])
    over = replace(recorded_cycles()["3.10"], status="end-of-life")
    ended = {**recorded_cycles(), "3.10": over}
    assert moved(pythons("3.10", "3.13", retire="at end of life"), cycles=ended)[0] == ("3.13",)


def test_newer_ones_come_once_they_were_released() -> None:
    found, told = moved(pythons("3.11", "3.12", add=True))
    assert found == ("3.11", "3.12", "3.13", "3.14"), "not the older 3.10, nor 3.15 before its time"
    assert told == ["Python 3.13 comes: it was released", "Python 3.14 comes: it was released"]


def test_a_falling_list_goes_on_falling() -> None:
    assert moved(pythons("3.13", "3.12", add=True))[0] == ("3.14", "3.13", "3.12")


def test_a_new_one_waits_for_what_it_needs() -> None:
    found, told = moved(pythons("3.13", add=True), missing={"3.14": "no base"})
    assert found == ("3.13",)
    assert told == ["Python 3.14 waits: no base"]


def test_a_list_that_is_kept_by_hand_is_left_alone() -> None:
    assert moved(pythons("3.8", "3.9"), cycles={}) == (("3.8", "3.9"), [])


def test_a_feed_without_a_declared_python_is_refused() -> None:
    cycles = {name: c for name, c in recorded_cycles().items() if name != "3.13"}
    with pytest.raises(DiscoveryError, match=r"does not list 3\.13"):
        moved(pythons("3.12", "3.13", retire="never"), cycles=cycles)


def test_the_last_python_never_leaves() -> None:
    with pytest.raises(DiscoveryError, match="all of its Pythons have reached"):
        moved(pythons("3.8", "3.9", retire="at end of life"))


def test_images_that_share_a_list_say_the_same_of_it() -> None:
    one, other = pythons("3.13", add=True), pythons("3.13", retire="never")
    renamed = replace(other.images[0], name="other")
    problems = Problems()
    note_disagreements([replace(one, images=(*one.images, renamed))], problems)
    note_disagreements([one, other], problems)
    (problem,) = problems.found
    assert str(problem) == (
        "fleet:images.other.python-releases: says otherwise than that of web, and both go by "
        "fleet:defaults.pythons. Give other a list of pythons of its own."
    )
