"""Where advisories come from, and which of them are waived: declared, and asked by nobody here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """The advisory ``id`` counts for nothing up to and with the day ``until`` (YYYY-MM-DD)."""

    id: str
    because: str
    until: str

    def is_over(self, today: str) -> bool:
        """Tell whether it has ended by ``today`` (YYYY-MM-DD)."""
        return self.until < today


@dataclass(frozen=True, kw_only=True)
class AdvisorySource:
    """A service of OSV's or the folder that mirrors its files, and Debian's security archive.

    ``debian`` is its address, or empty.
    """

    source: str
    debian: str = ""
    waivers: tuple[Waiver, ...] = ()

    @property
    def is_service(self) -> bool:
        """Tell whether ``source`` is an address, and not a folder."""
        return self.source.startswith(("https://", "http://"))

    def waiver(self, names: Iterable[str], today: str) -> Waiver | None:
        """Return what waives one of the ``names`` of an advisory on ``today`` (YYYY-MM-DD)."""
        known = set(names)
        return next((w for w in self.waivers if w.id in known and not w.is_over(today)), None)

    def problems(self, today: str) -> list[str]:
        """Return which waivers are over on ``today``, each with what to do."""
        return [
            f"fleet:advisories.waivers[{i}]: the waiver of {each.id} ended on {each.until} "
            f"({each.because}). Fix what it is about, give it a later day, or take it out"
            for i, each in enumerate(self.waivers)
            if each.is_over(today)
        ]


def parse_advisories(declared: Mapping[str, Any] | None) -> AdvisorySource | None:
    """Return what the key declares, ``None`` where it is not there."""
    if declared is None:
        return None
    empty = {"id": "", "because": "", "until": ""}
    waivers = tuple(Waiver(**{**empty, **each}) for each in declared.get("waivers", ()))
    return AdvisorySource(**{"source": "", **declared, "waivers": waivers})
