"""CPython's release cycle: which feature releases there are, and until when."""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fleet.console import TroubleError
from fleet.http.blocking import Blocking
from fleet.http.errors import HttpError
from fleet.releases.pypi.fetch import fetched_json

FEED = "https://peps.python.org/api/release-cycle.json"
"""Kept by the release managers; https://peps.python.org/api/ tells its form."""

_LARGEST = 1024 * 1024
_STATUSES = ("feature", "prerelease", "bugfix", "security", "end-of-life")
_MAINTAINED = ("bugfix", "security")


class CycleError(TroubleError):
    """The feed could not be asked, or its answer makes no sense."""


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """A feature release: its status, and the last day on which it is maintained.

    That day is a plan until the status is ``end-of-life``.
    """

    status: str
    end_of_life: date

    @property
    def released(self) -> bool:
        """True if there is a final release that is maintained."""
        return self.status in _MAINTAINED

    @property
    def over(self) -> bool:
        """True if its release manager ended it: a planned day that has passed ends nothing."""
        return self.status == "end-of-life"


def cycles(client: Blocking) -> Mapping[str, Cycle]:
    """Return the cycle of each feature release by ``X.Y``.

    :raises CycleError: when the feed is down, or its answer malformed or huge.
    """
    try:
        return cycles_in(fetched_json(FEED, client, largest=_LARGEST))
    except (HttpError, ValueError) as error:
        raise CycleError(f"Python's release cycle can't be read: {error}") from None


def cycles_in(answer: Any) -> Mapping[str, Cycle]:
    """Return the cycles in ``answer``.

    :raises ValueError: when it is no such mapping, or names no Python that is maintained.
    """
    if not isinstance(answer, Mapping):
        raise ValueError("the answer is not a mapping")  # noqa: TRY004 - JSON, not an argument
    found = {str(name): _cycle(str(name), entry) for name, entry in answer.items()}
    if not any(cycle.released for cycle in found.values()):
        raise ValueError("the answer names no Python that is maintained")
    return found


def _cycle(name: str, entry: Any) -> Cycle:
    values = entry if isinstance(entry, Mapping) else {}
    status = values.get("status")
    if not re.fullmatch(r"[0-9]+\.[0-9]+", name) or status not in _STATUSES:
        raise ValueError(f"the answer's entry {name[:20]!r} is not a release cycle")
    return Cycle(status=status, end_of_life=_day(values.get("end_of_life")))


def _day(text: Any) -> date:
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d{2}(?:-\d{2})?", text, re.ASCII):
        raise ValueError(f"the answer has {str(text)[:20]!r} for a day")
    day = date.fromisoformat(f"{text}-01"[:10])
    if day.isoformat() == text:
        return day
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
