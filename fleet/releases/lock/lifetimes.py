"""Until when the declared Pythons are maintained, in the lock."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from fleet.declaration.model import Declaration
from fleet.lock.model import Lifetime, Lock
from fleet.releases.discovery.release_cycle import Cycle, CycleError

WARNED: Final = timedelta(days=183)
"""How long before its end a Python is said to be ending."""


def with_lifetimes(
    lock: Lock,
    declaration: Declaration,
    cycles: Callable[[], Mapping[str, Cycle]],
    today: date,
    note: Callable[[str], None],
) -> Lock:
    """Return ``lock`` with the lifetimes of the Pythons of ``declaration`` as of ``today`` (UTC).

    A release cycle that can't be read is noted, and what the lock holds stays: it is told on pages,
    and nothing is built of it.
    """
    try:
        known = cycles()
    except CycleError as error:
        note(f"{error}; until when a Python is maintained stays as it was")
        return lock
    pythons = sorted({python for image in declaration.images for python in image.pythons})
    found = {python: _lifetime(known[python], today) for python in pythons if python in known}
    return replace(lock, pythons=found)


def lacking(lock: Lock, declaration: Declaration) -> bool:
    """Tell whether the lifetime of a Python of ``declaration`` is not in ``lock``."""
    return any(python not in lock.pythons for i in declaration.images for python in i.pythons)


def _lifetime(cycle: Cycle, today: date) -> Lifetime:
    ending = cycle.end_of_life - WARNED <= today
    return Lifetime(
        until=cycle.end_of_life.isoformat(),
        state="ended" if cycle.over else "ending" if ending else "maintained",
    )
