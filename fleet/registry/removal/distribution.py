"""Ways of removing a name and nothing but the name, by the distribution specification."""

import asyncio
import secrets
from collections.abc import Collection, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from fleet.registry.client import Client, DeleteOutcome
from fleet.registry.errors import (
    KEEPING,
    AcceptedRemovalError,
    RegistryError,
    UnsupportedRemovalError,
    continued,
)
from fleet.registry.interruption import STOPPED, readable, require_running, to_its_end
from fleet.registry.manifest import Manifest
from fleet.registry.reference import Repository, TagReference
from fleet.registry.removal.placeholder import (
    is_placeholder,
    remove_by_placeholder,
    require_gone,
    still_names,
)

CHECK_SECONDS = 60.0
"""How long what a registry made of a removal is looked at, where the run is interrupted."""


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
        """Return unless it is plain, without any write, that the tag can't be removed.

        Asks for the deletion of a digest that nothing has, and then of such a tag.

        :raises UnsupportedRemovalError: if the registry removes no tag in any way.
        :raises RegistryError: if the registry fails.
        """
        for nothing in (_unknown_digest(), f"nothing-{secrets.token_hex(16)}"):
            if await self._deletes(ref, nothing):
                return
        raise _no_way(ref)

    async def remove(self, ref: TagReference, manifest: Manifest, others: Collection[str]) -> bool:
        """Remove the tag, which was seen to name `manifest`; the image stays pullable.

        The `others` of the repository's tags are looked at first, by a request each: the look at
        the tag itself is the last request before the one that removes it. False tells that the tag
        was gone before anything was sent.

        :raises UnsupportedRemovalError: if the registry removes no tag in any way; nothing was
            written then, or what was written has been put back.
        :raises ConflictError: if the tag was moved meanwhile; it is left alone.
        :raises AcceptedRemovalError: if the registry took the name and something is wrong since.
        :raises RegistryError: if the registry fails on the way; the message tells how the tag
            was left.
        """
        require_running()
        finishing = is_placeholder(manifest)
        sharing = () if finishing else await self._sharing(ref, manifest, others)
        if not await still_names(self.registry, ref, manifest.digest):
            return False
        if finishing:
            # Where a tag outlives its digest (go-containerregistry's registry), this removes it;
            # a registry that deletes no tags takes it along with the digest.
            await self.registry.delete(ref.repository, ref.tag, named=manifest.digest)
            await self._remove_by_placeholder(ref, manifest)
            return True
        outcome = await self._delete_tag(ref, manifest, sharing)
        denied = outcome == DeleteOutcome.ABSENT and await still_names(
            self.registry, ref, manifest.digest
        )
        if denied or outcome == DeleteOutcome.UNSUPPORTED:
            if not await self._deletes(ref, _unknown_digest()):
                raise _no_way(ref)
            await self._remove_by_placeholder(ref, manifest)

        async def check() -> None:
            await self._require_image(ref, manifest, sharing)
            await require_gone(self.registry, ref, manifest.digest)

        await accepted(check())
        return True

    async def _delete_tag(
        self, ref: TagReference, manifest: Manifest, sharing: Collection[str]
    ) -> str:
        """Delete the tag; where that stops, look whether it took effect all the same."""
        try:
            return await self.registry.delete(ref.repository, ref.tag, named=manifest.digest)
        except STOPPED as error:
            why = readable(error)
            live: str | None = manifest.digest
            # Where the look fails nothing is known, and why it stopped is reported.
            with suppress(Exception):
                looking = self.registry.head(ref.repository, ref.tag)
                live = await to_its_end(looking, seconds=CHECK_SECONDS)

            async def check() -> None:
                await self._require_image(ref, manifest, sharing)
                raise RegistryError(continued(why, f". {ref} is removed"))

            if live is None:
                await accepted(check())
            raise why from (None if why is error else error)

    async def _remove_by_placeholder(self, ref: TagReference, manifest: Manifest) -> None:
        async def delete(digest: str) -> None:
            if not await self._deletes(ref, digest):
                raise _no_way(ref)

        await remove_by_placeholder(self.registry, ref, manifest, delete)

    async def _deletes(self, ref: TagReference, reference: str) -> bool:
        """Delete a reference; false where the registry has no such request."""
        return await self.registry.delete(ref.repository, reference) != DeleteOutcome.UNSUPPORTED

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
            f"{ref}: the registry deleted {manifest.digest} along with the tag. The manifest was "
            f"put back{f', and so were its tags {names}' if lost else ''}.\nThis registry cannot "
            f"remove a tag alone: {KEEPING}"
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


def _unknown_digest() -> str:
    return f"sha256:{secrets.token_hex(32)}"


def _no_way(ref: TagReference) -> UnsupportedRemovalError:
    return UnsupportedRemovalError(
        f"{ref}: the registry deletes neither tags nor digests, so the name stays as it was; "
        f"enable deletion in the registry, or {KEEPING}"
    )
