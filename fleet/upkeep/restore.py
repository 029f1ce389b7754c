"""Undo of a removal: a name goes back to the digest that it had when it was removed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fleet.console import TroubleError
from fleet.http.text import indented
from fleet.registry.client import Client
from fleet.registry.errors import OciError
from fleet.registry.manifest import Manifest
from fleet.registry.reference import Repository
from fleet.registry.removal.placeholder import is_placeholder
from fleet.registry.undo_log import build_repository_of, load
from fleet.upkeep.parallel import each
from fleet.upkeep.prune.undo import merged, removed_by
from fleet.upkeep.records import beside, parse_place
from fleet.upkeep.state import Removed, Remover, State


@dataclass(frozen=True, kw_only=True)
class Records:
    """The records of ``asked`` repositories, and why those ``unread`` could not be read.

    Each of ``asked`` comes with the repository beside which its record lies.
    """

    asked: Mapping[Repository, Repository] = field(default_factory=dict)
    removed: tuple[Removed, ...] = ()
    unread: Mapping[Repository, str] = field(default_factory=dict)


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
        return (parse_place(image),)
    known = {*state.tags, *(remover.repository for remover in state.removers)} - {*state.mirrors}
    if not image:
        return tuple(
            sorted({*known, *(Repository.parse(f"{registry}/{name}") for name in declared)})
        )
    places = {registry, *(str(place).rpartition("/")[0] for place in known)}
    return tuple(sorted(parse_place(f"{place}/{image}") for place in places))


async def read_records(
    registry: Client,
    repositories: tuple[Repository, ...],
    owner: str,
    mirrors: Mapping[Repository, Repository] = MappingProxyType({}),
) -> Records:
    """Return what the records of ``owner`` beside ``repositories`` hold.

    That of a mirror lies beside its source: ``mirrors`` are those that are known, with these. One
    that can't be read keeps no other from being read.
    """
    removed: list[Removed] = []
    unread: dict[Repository, str] = {}

    async def read(place: Repository) -> None:
        try:
            record = await load(registry, *beside(place, owner, mirrors.get(place)))
        except OciError as error:
            unread[place] = str(error)
            return
        removed.extend(removed_by(place, record))

    await each(read, repositories)
    sources = {place: mirrors.get(place, place) for place in repositories}
    return Records(asked=sources, removed=tuple(removed), unread=unread)


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A name that is back; ``written`` is false when it was there already."""

    entry: Removed
    written: bool

    def __str__(self) -> str:
        done = "names again" if self.written else "already names"
        return f"{self.entry.repository}:{self.entry.tag} {done} {self.entry.digest}"


def choose(state: State, tag: str, image: str = "", records: Records | None = None) -> Removed:
    """Return the last removal of ``tag``, by the state and by the registry's ``records``.

    ``image`` is a repository, or the last part of its name. That of a mirror has to be named whole.

    :raises TroubleError: when no removal is on record, several images have one or may have one, or
        the tag is declared and so the business of ``pulumi up``.
    """
    records = records or Records()
    removed = merged(state.removed, records.removed)
    places = {r.repository for r in removed if _is_of(r.repository, image)}
    places -= {place for place in state.mirrors if str(place) != image}
    found = [r for r in removed if r.tag == tag and r.repository in places]
    if not found:
        raise TroubleError(_unknown(state, removed, tag, image, records))
    repositories = {entry.repository for entry in found}
    if not image:
        repositories |= records.unread.keys()
    if len(repositories) > 1:
        raise TroubleError(_several(tag, repositories, records))
    entry = found[-1]
    # Right after an adoption no remover tells.
    remover = _remover_of(state, entry.repository)
    declared = remover.pointers if remover else state.tags.get(entry.repository, frozenset())
    if tag in declared:
        raise TroubleError(f"{entry.repository}:{tag} is declared.\nRun `make up`, which sets it")
    return entry


async def restore(registry: Client, entry: Removed) -> Restored:
    """Point the removed name at its digest again, and read it back.

    :raises TroubleError: when the digest or one of its platforms is gone, or when the name was
        given to something else meanwhile; nothing was written then.
    :raises fleet.registry.errors.OciError: when the registry fails.
    """
    place = f"{entry.repository}:{entry.tag}"
    manifest = await _whole(registry, entry)
    live = await registry.get(entry.repository, entry.tag)
    if live is not None and live.digest == entry.digest:
        return Restored(entry=entry, written=False)
    if live is not None and not is_placeholder(live):
        raise TroubleError(
            f"{place} named {entry.digest} when it was removed on {entry.removed_at}, and names "
            f"{live.digest} now, so nothing was written.\nIf that tag may go, remove it first"
        )
    named = live.digest if live is not None else None
    await registry.put(entry.repository, entry.tag, manifest, named=named)
    after = await registry.head(entry.repository, entry.tag)
    if after != entry.digest:
        raise TroubleError(
            f"{place} was written, and names {after or 'nothing'} now.\nFind out who else moves it"
        )
    return Restored(entry=entry, written=True)


def predict_next_update(state: State, entry: Removed) -> str:
    """Describe what the next ``up`` makes of a restored name, by the policy of the last update."""
    repository = entry.repository
    remover = _remover_of(state, repository)
    if remover is None and repository in state.tags:
        return (
            f"No update since the adoption has looked for stale names in {repository}. The next "
            "`make up` does: what nothing declares it keeps or removes, by the declared policy."
        )
    if remover is None:
        return f"It stays: stack {state.stack} looks after no pointer of {repository} any more."
    kind = remover.kind(entry.tag)
    policy = remover.policies.get(kind, "keep")
    if policy == "keep":
        return f"It stays: the policy of {kind or 'this name'} is keep."
    image = entry.repository.name.rpartition("/")[2]
    return (
        f"It does not stay by itself: nothing declares it, and the policy of {kind} was "
        f'"{policy}" at the last update, so a coming `make up` removes it again.\nTo have it stay, '
        f"declare before that, in fleet:images.{image}: pointers: {{{kind}: keep}} - or declare "
        "its Python and base again."
    )


async def _whole(registry: Client, entry: Removed) -> Manifest:
    """Return the manifest of the digest, after all platforms were seen to be there."""
    manifest = await registry.get(entry.repository, entry.digest)
    gone = [entry.digest] if manifest is None else []
    if manifest is not None and manifest.is_index:
        gone += [
            f"{child.platform} ({child.digest})"
            for child in manifest.children(f"{entry.repository}@{entry.digest}")
            if await registry.head(entry.repository, child.digest) is None
        ]
    if manifest is None or gone:
        raise TroubleError(
            f"{entry.repository}:{entry.tag} can't be restored: the registry no longer holds "
            f"{', '.join(gone)}, so nothing was written.\nDeclare its version again to have it "
            "built"
        )
    return manifest


def _is_of(repository: Repository, image: str) -> bool:
    return not image or image in (str(repository), repository.name.rpartition("/")[2])


def _remover_of(state: State, repository: Repository) -> Remover | None:
    return next((r for r in state.removers if r.repository == repository), None)


def _several(tag: str, repositories: Iterable[Repository], records: Records) -> str:
    named = " and ".join(sorted(map(str, repositories)))
    unread = "".join(f"\n{reason}" for reason in records.unread.values())
    may = ", or may have been" if unread else ""
    return (
        f"{tag} was removed{may} from {named}.\nSay which: IMAGE=<the last part of its name, or "
        f"all of it>{unread}"
    )


def _unknown(
    state: State, removed: Iterable[Removed], tag: str, image: str, records: Records
) -> str:
    where = f" of {image}" if image else ""
    listed = "".join(
        f"\n  {r.repository}:{r.tag}  {r.digest}  removed {r.removed_at}" for r in removed
    )
    known = f"The record:{listed}" if listed else "The record is empty."
    why = {place: f": {indented(text, 4)}" for place, text in records.unread.items()}
    looked = "".join(
        f"\n  {build_repository_of(source)}{why.get(place, '')}"
        for place, source in records.asked.items()
    )
    return (
        f"stack {state.stack} has no record of a removal of {tag}{where}. {known}\n"
        f"Looked for in the state and beside the images, in:{looked or ' no repository'}\n"
        "If the tag was at a mirror, or its image is no longer declared, name the repository: "
        "IMAGE=ghcr.io/owner/python-uvicorn"
    )
