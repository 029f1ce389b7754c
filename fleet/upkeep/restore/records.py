"""The undo records of a registry: where they may lie, and what is in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from fleet.console import TroubleError
from fleet.registry.errors import OciError
from fleet.registry.interface import Registry
from fleet.registry.reference import Repository
from fleet.registry.undo_log import load
from fleet.upkeep.parallel import each
from fleet.upkeep.restore.undo import merged, removed_by
from fleet.upkeep.state import Removed, State


@dataclass(frozen=True, kw_only=True)
class Records:
    """What the records of ``asked`` repositories hold, and why those ``unread`` could not be."""

    asked: tuple[Repository, ...] = ()
    removed: tuple[Removed, ...] = ()
    unread: Mapping[Repository, str] = field(default_factory=dict)

    def joined(self, state: State) -> State:
        """Return ``state`` with these removals among its own."""
        return replace(state, removed=merged(state.removed, self.removed))


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
        return (_whole(image),)
    known = {*state.roots, *state.tags, *(remover.repository for remover in state.removers)}
    if not image:
        return tuple(sorted({*known, *(_below(registry, name) for name in declared)}))
    places = {registry, *(str(place).rpartition("/")[0] for place in known)}
    return tuple(sorted(_below(place, image) for place in places))


async def read_records(
    registry: Registry, repositories: tuple[Repository, ...], owner: str
) -> Records:
    """Return what the records of ``owner`` beside ``repositories`` hold.

    One that can't be read keeps no other from being read.
    """

    async def read(repository: Repository) -> tuple[Removed, ...] | str:
        try:
            return removed_by(repository, await load(registry, repository, owner))
        except OciError as error:
            return str(error)

    found = dict(zip(repositories, await each(read, repositories), strict=True))
    return Records(
        asked=repositories,
        removed=tuple(e for held in found.values() if not isinstance(held, str) for e in held),
        unread={place: held for place, held in found.items() if isinstance(held, str)},
    )


def _whole(image: str) -> Repository:
    host = image.partition("/")[0]
    if host != "localhost" and not {".", ":"} & set(host):
        raise TroubleError(
            f"IMAGE={image}: {host} is no host of a registry; write the last part of the "
            "repository's name, or the whole of it: ghcr.io/owner/python-uvicorn"
        )
    return _parsed(image)


def _below(place: str, image: str) -> Repository:
    return _parsed(f"{place}/{image}")


def _parsed(text: str) -> Repository:
    try:
        return Repository.parse(text)
    except OciError as error:
        raise TroubleError(f"IMAGE: {error}") from error
