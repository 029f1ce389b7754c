"""The time that grace and retention go by: the registry's, where this machine's clock agrees.

A clock that is a month ahead would find all that waits due at once, whichever of the two it is.
"""

from datetime import UTC, datetime, timedelta

TOLERANCE = timedelta(minutes=5)


def disagreement(date: str, local: str) -> str:
    """Return why a registry's time can't be gone by, or an empty string; both are RFC 3339.

    `date` is empty where its answer had no valid Date; `local` is this machine's time.
    """
    if not date:
        return "the registry answered without a valid Date header"
    if abs(moment(date) - moment(local)) > TOLERANCE:
        return (
            f"the registry's time is {date}, this machine's is {local}; at most "
            f"{TOLERANCE.seconds // 60} minutes between them were expected"
        )
    return ""


def moment(text: str) -> datetime:
    """Return an RFC 3339 time in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
