"""The time that retention goes by: the registry's own, where this machine's clock agrees with it.

A clock that is a month ahead would find all that is superseded due at once.
"""

from fleet.console import TroubleError
from fleet.registry.client import TagList
from fleet.registry.clock import disagreement
from fleet.registry.reference import Repository


def agreed_time(place: Repository, listed: TagList, local: str) -> str:
    """Return the registry's time of a tag list (RFC 3339); ``local`` is this machine's.

    :raises TroubleError: when the registry gave none, or the two differ by more than 5 minutes.
    """
    if trouble := disagreement(listed.date, local):
        remedy = (
            "Correct the clock that is wrong, and run again"
            if listed.date
            else "Have the registry, or the proxy before it, send one"
        )
        raise TroubleError(
            f"{place}: {trouble}. Nothing was deleted, because retention goes by that.\n{remedy}"
        )
    return listed.date
