"""Whether a tag list can be believed: it is held against the names that others know.

An empty, cut or missing list says that nothing has a name. What would follow from that can't be
undone, so a list in which a single existing tag is missing is not believed at all. Its date is the
time that retention goes by: a clock a month ahead would find all that is superseded due at once.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from fleet.console import TroubleError
from fleet.registry.client import Client, TagList
from fleet.registry.clock import disagreement
from fleet.registry.reference import Repository
from fleet.upkeep.parallel import each

_SHOWN = 5


class DoubtError(TroubleError):
    """The registry contradicts itself, or what is known of it: nothing there may be deleted."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """The knowledge of a repository without its tag list.

    ``declared`` are the names of the state's tag resources, ``names`` all others that something
    remembers, ``digests`` those that were there at the last run.
    """

    repository: Repository
    declared: frozenset[str] = field(default_factory=frozenset)
    names: frozenset[str] = field(default_factory=frozenset)
    digests: frozenset[str] = field(default_factory=frozenset)


async def confirm(registry: Client, listed: TagList, known: Known) -> None:
    """Return if nothing contradicts a tag list; asks for each name that it does not have.

    Where the registry has no such repository at all, each known digest is asked for as well.

    :raises DoubtError: if the list does not have a tag that is there or that the state has.
    :raises fleet.registry.errors.OciError: if the registry fails.
    """
    place, there = known.repository, frozenset(listed.tags)
    if lacking := known.declared - there:
        raise DoubtError(
            f"the tag list of {place} does not have {_some(lacking)}, which the stack's state has. "
            "If the tag was removed, `make up` puts it back; otherwise the list is incomplete"
        )
    asked = sorted(known.names - there)
    if not listed.known:
        asked += sorted(known.digests)
    answers = await read(registry, place, asked)
    if hidden := [name for name, digest in answers.items() if digest is not None]:
        what = "does not have" if listed.known else "is not there, although the registry has"
        raise DoubtError(f"the tag list of {place} {what} {_some(hidden)}; it is incomplete")


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
            f"{place}: {trouble}. Nothing was deleted, because retention goes by this "
            f"time.\n{remedy}"
        )
    return listed.date


def require_all(place: Repository, absent: Collection[str]) -> None:
    """Raise where listed names are ``absent``.

    :raises DoubtError: naming them.
    """
    if absent:
        raise DoubtError(
            f"the tag list of {place} names {_some(absent)}, which the registry does not have. "
            "If a later run finds the same, remove the tag by hand, or push it again"
        )


async def read(
    registry: Client, place: Repository, references: Collection[str]
) -> Mapping[str, str | None]:
    """Return the digest of each reference, None where it is absent: a request each."""

    async def head(reference: str) -> str | None:
        return await registry.head(place, reference)

    return dict(zip(references, await each(head, references), strict=True))


def _some(names: Collection[str]) -> str:
    shown = sorted(names)[:_SHOWN]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
