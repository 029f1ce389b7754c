"""What becomes of a stale pointer: it stays, it goes, or it goes after some days of grace."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

_AFTER = re.compile(r"remove after ([1-9][0-9]{0,3}) days")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """`days` of grace count from the day on which a pointer was first seen stale.

    None means that it stays for good, 0 that it goes at once.
    """

    days: int | None

    @property
    def removes(self) -> bool:
        """Tell whether a stale pointer goes at all, now or later."""
        return self.days is not None

    def goes_on(self, since: str) -> str:
        """Return the date (RFC 3339 full-date, UTC) on which a pointer stale since then goes."""
        return (date.fromisoformat(since) + timedelta(days=self.days or 0)).isoformat()


KEEP = Policy(days=None)
REMOVE = Policy(days=0)


def parse_policy(text: str) -> Policy | None:
    """Parse `keep`, `remove` or `remove after N days` (N from 1 to 9999), or return None."""
    if text in {"keep", "remove"}:
        return KEEP if text == "keep" else REMOVE
    match = _AFTER.fullmatch(text)
    return Policy(days=int(match[1])) if match else None
