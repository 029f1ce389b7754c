"""The time that retention goes by: the registry's own, where this machine's clock agrees with it.

A clock that is a month ahead would find all that is superseded due at once.
"""

from datetime import UTC, datetime, timedelta

from local.say import TroubleError
from providers.ociregistry.reference import Repository
from providers.ociregistry.registry import TagList

TOLERANCE = timedelta(minutes=5)


def agreed_time(place: Repository, listed: TagList, local: str) -> str:
    """Return the registry's time of a tag list (RFC 3339); ``local`` is this machine's.

    :raises TroubleError: when the registry gave none, or the two differ by more than 5 minutes.
    """
    if not listed.date:
        raise TroubleError(
            f"{place}: the registry answered without a valid Date header, which retention goes by; "
            "nothing was deleted.\nHave the registry, or the proxy before it, send one"
        )
    if abs(moment(listed.date) - moment(local)) > TOLERANCE:
        raise TroubleError(
            f"{place}: the registry's time is {listed.date}, this machine's is {local}; at most "
            f"{TOLERANCE.seconds // 60} minutes between them were expected. Nothing was deleted, "
            "because retention goes by that.\nCorrect the clock that is wrong, and run again"
        )
    return listed.date


def moment(text: str) -> datetime:
    """Return an RFC 3339 time in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
