"""Undo of a removal: a name goes back to the digest that it had when it was removed."""

from dataclasses import dataclass

from local.say import TroubleError
from providers.oci.index import INDEXES, children_of, document_of
from providers.oci.reference import Repository
from providers.oci.registry import Manifest, Registry
from providers.oci.throwaway import is_throwaway
from upkeep.state import Removed, Remover, State


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A name that is back; ``written`` is false when it was there already."""

    entry: Removed
    written: bool

    def __str__(self) -> str:
        done = "names again" if self.written else "already names"
        return f"{self.entry.repository}:{self.entry.tag} {done} {self.entry.digest}"


def choose(state: State, tag: str, image: str = "") -> Removed:
    """Return the last removal of ``tag``; ``image`` is the last part of its repository's name.

    :raises TroubleError: when no removal is on record, several images have one, or the tag is
        declared and so the business of ``pulumi up``.
    """
    found = [r for r in state.removed if r.tag == tag and _is_of(r.repository, image)]
    if not found:
        raise TroubleError(_unknown(state, tag, image))
    repositories = sorted({str(entry.repository) for entry in found})
    if len(repositories) > 1:
        named = " and ".join(repositories)
        raise TroubleError(f"{tag} was removed from {named}; say which: IMAGE=<its last part>")
    entry = found[-1]
    remover = _remover_of(state, entry.repository)
    if remover is not None and tag in remover.pointers:
        raise TroubleError(f"{entry.repository}:{tag} is declared; `make up` puts it in its place")
    return entry


async def restore(registry: Registry, entry: Removed) -> Restored:
    """Point the removed name at its digest again, and read it back.

    :raises TroubleError: when the digest or one of its platforms is gone, or when the name was
        given to something else meanwhile; nothing was written then.
    :raises providers.oci.errors.OciError: when the registry fails.
    """
    place = f"{entry.repository}:{entry.tag}"
    manifest = await _whole(registry, entry)
    live = await registry.get(entry.repository, entry.tag)
    if live is not None and live.digest == entry.digest:
        return Restored(entry=entry, written=False)
    if live is not None and not is_throwaway(live):
        raise TroubleError(
            f"{place} names {live.digest} now, and named {entry.digest} when it was removed on "
            f"{entry.removed_at}; nothing was written. Remove that name first if it may go"
        )
    named = live.digest if live is not None else None
    await registry.put(entry.repository, entry.tag, manifest, named=named)
    after = await registry.head(entry.repository, entry.tag)
    if after != entry.digest:
        raise TroubleError(f"{place} was written, yet names {after}; find out who else moves it")
    return Restored(entry=entry, written=True)


def outlook(state: State, entry: Removed) -> str:
    """Say what the next ``up`` makes of a restored name, by the policy of the last update."""
    remover = _remover_of(state, entry.repository)
    kind = remover.kind(entry.tag) if remover else ""
    policy = remover.policies.get(kind, "keep") if remover else "keep"
    if policy == "keep":
        return f"It stays: the policy of {kind or 'this name'} is keep."
    image = entry.repository.name.rpartition("/")[2]
    return (
        f"It does not stay by itself: nothing declares it, and the policy of {kind} was "
        f'"{policy}" at the last update, so a coming `make up` removes it again.\nTo have it stay, '
        f"declare before that, in fleet:images.{image}: pointers: {{{kind}: keep}} - or declare "
        "its Python and base again."
    )


async def _whole(registry: Registry, entry: Removed) -> Manifest:
    """Return the manifest of the digest, after all platforms were seen to be there."""
    manifest = await registry.get(entry.repository, entry.digest)
    gone = [entry.digest] if manifest is None else []
    if manifest is not None and manifest.media_type in INDEXES:
        place = f"{entry.repository}@{entry.digest}"
        children = children_of(document_of(manifest, place), place)
        gone += [
            f"{child.platform} ({child.digest})"
            for child in children
            if await registry.head(entry.repository, child.digest) is None
        ]
    if manifest is None or gone:
        raise TroubleError(
            f"{entry.repository}:{entry.tag} can't be restored: the registry no longer holds "
            f"{', '.join(gone)}; nothing was written. Declare its version again to have it built"
        )
    return manifest


def _is_of(repository: Repository, image: str) -> bool:
    return not image or image in (str(repository), repository.name.rpartition("/")[2])


def _remover_of(state: State, repository: Repository) -> Remover | None:
    return next((r for r in state.removers if r.repository == repository), None)


def _unknown(state: State, tag: str, image: str) -> str:
    where = f" of {image}" if image else ""
    listed = "".join(
        f"\n  {r.repository}:{r.tag}  {r.digest}  removed {r.removed_at}" for r in state.removed
    )
    known = f"The record:{listed}" if listed else "The record is empty."
    return f"stack {state.stack} has no record of a removal of {tag}{where}. {known}"
