"""The undo records of a registry: where they may lie, and what is in them.

Every name that was removed is on record with the digest that it had, in the stack's state and in
the registry. The state forgets an image that left the declaration, and may be lost; the registry
knows of nothing that went before it kept records.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fleet.console import TroubleError
from fleet.registry.errors import OciError
from fleet.registry.interface import Registry
from fleet.registry.reference import Repository
from fleet.registry.undo_log import load
from fleet.upkeep.parallel import each
from fleet.upkeep.state import Removed, State


@dataclass(frozen=True, kw_only=True)
class Records:
    """What the records of ``asked`` repositories hold, and why those ``unread`` could not be."""

    asked: tuple[Repository, ...] = ()
    removed: tuple[Removed, ...] = ()
    unread: Mapping[Repository, str] = field(default_factory=dict)

    def joined(self, state: State) -> tuple[Removed, ...]:
        """Return these removals and those of ``state``, oldest first.

        What both know counts as the state has it: the registry's record dates an entry just before
        its name goes, and may hold one whose removal failed.
        """
        known = {(entry.repository, entry.tag, entry.digest) for entry in state.removed}
        more = (e for e in self.removed if (e.repository, e.tag, e.digest) not in known)
        # Dates of one form compare as text (RFC 3339, section 5.1).
        return tuple(sorted((*state.removed, *more), key=lambda entry: entry.removed_at))


def candidates(
    state: State, registry: str, declared: Iterable[str], image: str = ""
) -> tuple[Repository, ...]:
    """Return the public repositories whose records may tell, sorted.

    Without ``image`` those of the ``declared`` images, below ``registry`` (``host/namespace``), and
    those that the state knows. With the last part of a repository's name, that repository beside
    each of these. With a whole one (``host/namespace/name``), that alone.

    :raises TroubleError: if ``image`` is neither.
    """
    if "/" in image:
        host = image.partition("/")[0]
        if host != "localhost" and not {".", ":"} & set(host):
            raise TroubleError(
                f"IMAGE={image}: {host} is no host of a registry; write the last part of the "
                "repository's name, or the whole of it: ghcr.io/owner/python-uvicorn"
            )
        return (_parsed(image),)
    known = {*state.tags, *(remover.repository for remover in state.removers)}
    if not image:
        return tuple(sorted({*known, *(_parsed(f"{registry}/{name}") for name in declared)}))
    places = {registry, *(str(place).rpartition("/")[0] for place in known)}
    return tuple(sorted(_parsed(f"{place}/{image}") for place in places))


async def read_records(
    registry: Registry, repositories: tuple[Repository, ...], owner: str
) -> Records:
    """Return what the records of ``owner`` beside ``repositories`` hold.

    One that can't be read keeps no other from being read.
    """
    removed: list[Removed] = []
    unread: dict[Repository, str] = {}

    async def read(place: Repository) -> None:
        try:
            record = await load(registry, place, owner)
        except OciError as error:
            unread[place] = str(error)
            return
        removed.extend(
            Removed(repository=place, tag=one.tag, digest=one.digest, removed_at=one.removed_at)
            for one in record.removals
        )

    await each(read, repositories)
    return Records(asked=repositories, removed=tuple(removed), unread=unread)


def _parsed(text: str) -> Repository:
    try:
        return Repository.parse(text)
    except OciError as error:
        raise TroubleError(f"IMAGE: {error}") from error
