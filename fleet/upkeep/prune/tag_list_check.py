"""Whether a tag list can be believed: it is held against the names that others know.

An empty, cut or missing list says that nothing has a name. What would follow from that can't be
undone, so a list that lacks a single name which is there counts for nothing. The same goes for the
time of the list, by which retention goes: a clock that is a month ahead would find all that is
superseded due at once.
"""

from collections.abc import Collection, Mapping

from fleet.console import TroubleError
from fleet.registry.clock import disagreement
from fleet.registry.interface import Registry, TagList
from fleet.registry.reference import Repository
from fleet.upkeep.parallel import each

_SHOWN = 5


class DoubtError(TroubleError):
    """The registry contradicts itself, or what is known of it: nothing there may be deleted."""


async def confirm(
    registry: Registry, place: Repository, listed: TagList, names: Collection[str]
) -> None:
    """Return if a tag list has all ``names`` that are there; that takes a request for each other.

    Where the registry has no such repository at all, ``names`` may be digests as well.

    :raises DoubtError: if the list lacks a name that is there.
    :raises fleet.registry.errors.OciError: if the registry fails.
    """
    answers = await read(registry, place, sorted(set(names) - set(listed.tags)))
    if hidden := [name for name, digest in answers.items() if digest is not None]:
        missing = "lacks" if listed.known else "is not there, yet here is"
        raise DoubtError(f"the tag list of {place} {missing} {_some(hidden)}; it is not whole")


def require_declared(place: Repository, listed: TagList, declared: Collection[str]) -> None:
    """Raise where a tag list lacks a name that the state's tag resources have.

    :raises DoubtError: naming it.
    """
    if lacking := set(declared) - set(listed.tags):
        raise DoubtError(
            f"the tag list of {place} lacks {_some(lacking)}, which the stack's state has. "
            "Either it is not whole, or somebody removed a name: then `make up` puts it back"
        )


def require_all(place: Repository, absent: Collection[str]) -> None:
    """Raise where listed names are ``absent``.

    :raises DoubtError: naming them.
    """
    if absent:
        raise DoubtError(
            f"the tag list of {place} names {_some(absent)}, which the registry does not have. "
            "Where that lasts, somebody has to remove or mend the name"
        )


async def read(
    registry: Registry, place: Repository, references: Collection[str]
) -> Mapping[str, str | None]:
    """Return the digest of each reference, None where it is absent: one request each."""

    async def head(reference: str) -> str | None:
        return await registry.head(place, reference)

    return dict(zip(references, await each(head, references), strict=True))


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


def _some(names: Collection[str]) -> str:
    shown = sorted(names)[:_SHOWN]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
