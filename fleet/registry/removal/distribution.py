"""Ways of removing a name and nothing but the name, by the distribution specification."""

import asyncio
import secrets
from collections.abc import Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from fleet.registry.client import Client
from fleet.registry.content import DeleteOutcome, Manifest
from fleet.registry.errors import (
    KEEPING,
    AcceptedRemovalError,
    OciError,
    RegistryError,
    UnsupportedRemovalError,
    moved,
)
from fleet.registry.interruption import STOPPED, readable, require_running, to_its_end
from fleet.registry.reference import Repository, TagReference
from fleet.registry.removal.placeholder import is_placeholder, put_back, write_placeholder

CHECK_SECONDS = 60.0
"""How long what a registry made of a removal is looked at, where the run is interrupted."""


class NameRemover(Protocol):
    """A way of removing names that one kind of registry offers."""

    async def require(self, ref: TagReference) -> None:
        """Return unless it is plain, without any write, that the tag can't be removed.

        :raises UnsupportedRemovalError: if there is no way.
        :raises RegistryError: if the registry fails.
        """

    async def remove(self, ref: TagReference, manifest: Manifest, others: Collection[str]) -> bool:
        """Remove the tag, which was seen to name `manifest`; the image stays pullable.

        `others` are the other tags of the repository. False tells that the tag was gone before
        anything was sent.

        :raises UnsupportedRemovalError: if there is no way; nothing was written then, or what
            was written has been put back.
        :raises ConflictError: if the tag was moved meanwhile; it is left alone.
        :raises AcceptedRemovalError: if the registry took the name and something is wrong since.
        :raises RegistryError: if the registry fails on the way; the message tells how the tag
            was left.
        """


@dataclass(frozen=True, kw_only=True)
class DistributionRemover:
    """Removes names with the requests of the distribution specification.

    Deletes the tag where the registry can do that (OCI distribution specification 1.1,
    "Deleting tags"). Else, also where it answers 404 though the tag is there, writes a placeholder
    manifest over the tag and deletes that digest, which is the only thing that the tag still
    names. A registry with neither is left as it is.
    """

    registry: Client
    _trusted: set[Repository] = field(default_factory=set, init=False)

    async def require(self, ref: TagReference) -> None:
        """Ask for the deletion of a digest that nothing has, and then of such a tag."""
        for nothing in (f"sha256:{secrets.token_hex(32)}", f"nothing-{secrets.token_hex(16)}"):
            outcome = await self.registry.delete(ref.repository, nothing)
            if outcome != DeleteOutcome.UNSUPPORTED:
                return
        raise _no_way(ref)

    async def remove(self, ref: TagReference, manifest: Manifest, others: Collection[str]) -> bool:
        """Remove the tag, as `NameRemover` says.

        The other tags are looked at first, which takes a request per tag: the look at the tag
        itself is the last request before the one that removes it.
        """
        require_running()
        if is_placeholder(manifest):
            if not await self._still_names(ref, manifest.digest):
                return False
            await self._delete_placeholder(ref, manifest)
            return True
        sharing = await self._sharing(ref, manifest, others)
        if not await self._still_names(ref, manifest.digest):
            return False
        outcome = await self._delete_tag(ref, manifest, sharing)
        denied = outcome == DeleteOutcome.ABSENT and await self._still_names(ref, manifest.digest)
        if denied or outcome == DeleteOutcome.UNSUPPORTED:
            await self._probe(ref)
            leftover = await write_placeholder(self.registry, ref, manifest)
            await self._delete_placeholder(ref, leftover)
        await accepted(self._check(ref, manifest, sharing))
        return True

    async def _delete_tag(
        self, ref: TagReference, manifest: Manifest, sharing: Collection[str]
    ) -> str:
        """Delete the tag; where that stops, look whether it took effect all the same."""
        try:
            return await self.registry.delete(ref.repository, ref.tag, named=manifest.digest)
        except STOPPED as error:
            why = readable(error)
            if await to_its_end(self._is_gone(ref)):
                await accepted(self._check_stopped(ref, manifest, sharing, why))
            raise why from (None if why is error else error)

    async def _is_gone(self, ref: TagReference) -> bool:
        """Tell whether a tag is surely gone."""
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return await self.registry.head(ref.repository, ref.tag) is None
        except Exception:  # noqa: BLE001 - nothing is known then, and why it stopped is reported
            return False

    async def _check_stopped(
        self, ref: TagReference, manifest: Manifest, sharing: Collection[str], why: OciError
    ) -> None:
        await self._require_image(ref, manifest, sharing)
        raise RegistryError(f"{why}. {ref} is removed")

    async def _check(self, ref: TagReference, manifest: Manifest, sharing: Collection[str]) -> None:
        await self._require_image(ref, manifest, sharing)
        await require_gone(self.registry, ref, manifest.digest)

    async def _still_names(self, ref: TagReference, digest: str) -> bool:
        """Tell whether a tag still names a digest; false where it is gone.

        :raises ConflictError: if it names something else.
        """
        live = await self.registry.head(ref.repository, ref.tag)
        if live not in {None, digest}:
            raise moved(str(ref), live, f"a moment ago {digest}, to be removed")
        return live is not None

    async def _delete_placeholder(self, ref: TagReference, leftover: Manifest) -> None:
        try:
            outcome = await self.registry.delete(ref.repository, leftover.digest)
            if outcome == DeleteOutcome.UNSUPPORTED:
                raise _no_way(ref)
            await require_gone(self.registry, ref, leftover.digest)
        except STOPPED as error:
            failure = await put_back(self.registry, ref, leftover, error)
            if failure is not None:
                raise failure from error

    async def _probe(self, ref: TagReference) -> None:
        """Ask whether digests can be deleted, with a digest that nothing has."""
        nothing = f"sha256:{secrets.token_hex(32)}"
        if await self.registry.delete(ref.repository, nothing) == DeleteOutcome.UNSUPPORTED:
            raise _no_way(ref)

    async def _sharing(
        self, ref: TagReference, manifest: Manifest, others: Collection[str]
    ) -> tuple[str, ...]:
        """Return the other tags of the digest, by a request each.

        A repository that kept an image when it lost a name is not asked again.
        """
        if ref.repository in self._trusted:
            return ()
        tags = sorted(others)
        named = await asyncio.gather(*(self.registry.head(ref.repository, tag) for tag in tags))
        pairs = zip(tags, named, strict=True)
        return tuple(tag for tag, digest in pairs if digest == manifest.digest)

    async def _require_image(
        self, ref: TagReference, manifest: Manifest, sharing: Collection[str]
    ) -> None:
        """Notice a registry that deletes the image along with the name, and undo that.

        `sharing` are the tags that named the digest before. No other is written: somebody else
        may have deleted it.

        :raises RegistryError: where it had to be undone, naming the tags that went with it.
        """
        if await self.registry.head(ref.repository, manifest.digest) is not None:
            self._trusted.add(ref.repository)
            return
        await self.registry.put(ref.repository, manifest.digest, manifest)
        lost = []
        for tag in sharing:
            if await self.registry.head(ref.repository, tag) is None:
                await self.registry.put(ref.repository, tag, manifest)
                lost.append(tag)
        names = ", ".join(lost)
        raise RegistryError(
            f"{ref}: the registry deleted {manifest.digest} along with the name; the manifest was "
            f"put back{f', and so were its tags {names}' if lost else ''}. This registry cannot "
            f"remove a name alone: {KEEPING}"
        )


async def accepted(check: Coroutine[Any, Any, None]) -> None:
    """Look at what a registry made of a removal that it took, also where the run is interrupted.

    :raises AcceptedRemovalError: with whatever `check` raises, for the name is gone.
    :raises asyncio.CancelledError: after `check` found nothing, if the run is interrupted.
    """
    try:
        await to_its_end(check, seconds=CHECK_SECONDS)
    except Exception as error:
        raise AcceptedRemovalError(str(readable(error))) from error


async def require_gone(registry: Client, ref: TagReference, digest: str) -> None:
    """Check that a tag no longer names a digest.

    :raises RegistryError: if it still does.
    """
    if await registry.head(ref.repository, ref.tag) == digest:
        raise RegistryError(f"{ref} still names {digest} after its removal; run again")


def _no_way(ref: TagReference) -> UnsupportedRemovalError:
    return UnsupportedRemovalError(
        f"{ref}: the registry deletes neither tags nor digests, so the name stays as it was; "
        f"enable deletion in the registry, or {KEEPING}"
    )
