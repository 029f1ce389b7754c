"""Until when a Python is maintained: asked of the release cycle, and kept in the lock."""

from dataclasses import replace
from datetime import date

import pytest

from fleet.lock.model import Lifetime, Lock
from fleet.releases.discovery.release_cycle import CycleError
from fleet.releases.lock.lifetimes import lacking, with_lifetimes
from fleet.releases.lock.locking import completed
from fleet.releases.sources import Refresh
from tests.fleet.examples import declaration
from tests.fleet.releases.listing import recorded_cycles
from tests.fleet.releases.outside import Outside

TODAY = date(2026, 5, 2)


@pytest.mark.parametrize(
    ("python", "today", "state"),
    [
        ("3.11", TODAY, "maintained"),
        ("3.10", date(2026, 4, 30), "maintained"),
        ("3.10", date(2026, 5, 1), "ending"),
        # A day that has passed ends nothing until the release manager says so.
        ("3.10", date(2027, 1, 1), "ending"),
        ("3.9", TODAY, "ended"),
    ],
)
def test_what_its_last_day_means_is_said_as_of_today(python: str, today: date, state: str) -> None:
    declared = declaration(pythons=[python])
    found = with_lifetimes(Lock(), declared, recorded_cycles, today, pytest.fail)
    until = recorded_cycles()[python].end_of_life.isoformat()
    assert found.pythons == {python: Lifetime(until=until, state=state)}  # type: ignore[arg-type]


def test_a_cycle_that_cannot_be_read_is_noted_and_what_is_locked_stays() -> None:
    def down() -> None:
        raise CycleError("Python's release cycle can't be read: it is down")

    held = Lock(pythons={"3.11": Lifetime(until="2027-10-31", state="maintained")})
    notes: list[str] = []
    assert with_lifetimes(held, declaration(), down, TODAY, notes.append) == held  # type: ignore[arg-type]
    (note,) = notes
    assert note.endswith("it is down; until when a Python is maintained stays as it was")


def test_a_lock_keeps_the_lifetimes_of_declared_pythons_alone() -> None:
    own = {"3.11": Lifetime(until="2027-10-31", state="maintained")}
    left = {"3.8": Lifetime(until="2024-10-07", state="ended")}
    world = Outside()
    made = completed(Lock(pythons={**own, **left}), declaration(), world.sources(), Refresh())
    assert made.pythons == own
    assert not lacking(made, declaration())
    assert lacking(made, declaration(pythons=["3.11", "3.12"]))
    assert lacking(replace(made, pythons={}), declaration())
