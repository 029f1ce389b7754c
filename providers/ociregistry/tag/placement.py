"""Placement of what an index names in the repository in which a tag shall name it."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from fleet.registry.client import Client
from fleet.registry.errors import RegistryError
from fleet.registry.manifest import INDEXES, Child, Content, Manifest
from fleet.registry.manifest_cache import ManifestCache
from fleet.registry.reference import ManifestReference, Repository, TagReference


class Missing(NamedTuple):
    """Content that is not in the target yet; of a source that is not an index, its blobs alone."""

    source: Repository
    content: Content
    manifest: Manifest | None


class Placer:
    """Copies images between repositories; blobs are mounted where that is possible."""

    def __init__(self, registry: Client, manifests: ManifestCache) -> None:
        self._registry = registry
        self._manifests = manifests

    async def missing(
        self, sources: Sequence[tuple[ManifestReference, Manifest]], ref: TagReference
    ) -> tuple[Missing, ...]:
        """Return what `sources` refer to that is not where `ref` is yet; nothing is written.

        A registry takes no index without its manifests: those of attestations come along.

        :raises RegistryError: if a source has lost something that is not in the target either, or
            names something that is not an image.
        """
        target = ref.repository
        tag = f"{ref.tag}-*" if len(sources) > 1 else ref.tag
        found = [
            part
            for source, manifest in sources
            if source.repository != target
            for part in await self._missing_of(source, manifest, target, tag)
        ]
        return tuple(dict.fromkeys(found))

    async def place(self, missing: Sequence[Missing], target: Repository) -> None:
        """Make what is missing available in a repository.

        :raises RegistryError: if the registry fails.
        """
        for part in missing:
            await self._blobs(part, target)
            if part.manifest is not None:
                await self._registry.put(target, part.manifest.digest, part.manifest)
                self._manifests.keep(target, part.manifest)

    async def _missing_of(
        self, source: ManifestReference, manifest: Manifest, target: Repository, tag: str
    ) -> list[Missing]:
        place = source.repository
        if not manifest.is_index:
            content = manifest.content(str(source))
            return [Missing(source=place, content=content, manifest=None)]
        found = []
        for entry in manifest.entries(str(source)):
            if entry.media_type in INDEXES:
                raise RegistryError(
                    f"{source} names {entry.digest}, an index in an index; a tag takes an index of "
                    "images alone: build it as one. Nothing was written"
                )
            if await self._registry.head(target, entry.digest) is not None:
                continue
            child = await self._manifests.find(place, entry.digest)
            if child is None:
                raise RegistryError(_lost(source, entry, target, tag))
            content = child.content(f"{place}@{entry.digest}")
            found.append(Missing(source=place, content=content, manifest=child))
        return found

    async def _blobs(self, part: Missing, target: Repository) -> None:
        blobs = dict.fromkeys((part.content.config, *part.content.layers))
        done = await asyncio.gather(
            *(self._registry.transfer_blob(part.source, target, blob) for blob in blobs),
            return_exceptions=True,
        )
        # Where one fails, none is still under way.
        for error in filter(None, done):
            raise error


def _lost(source: ManifestReference, entry: Child, target: Repository, tag: str) -> str:
    """Say how a build comes back whose index is there, and a manifest of it is not.

    docker-build's read asks for the index alone, so no refresh finds that. A build's resource is
    called by the end of its repository and its `tag`. A public one is put right by its own tag.
    """
    place = source.repository
    name = "/".join(place.name.split("/")[-2:])
    remedy = "run `make refresh`, then `make up`, which puts it back from its build"
    if name.endswith("/build"):
        remedy = (
            f"have it built again: `pulumi up --refresh --target-replace '**::{name}:{tag}'` "
            "(docs/runbook.md#a-build-lost-a-platform)"
        )
    return (
        f"{place}@{entry.digest} ({entry.platform or 'no platform'}), of {source}, is not in the "
        f"registry, nor in {target}, and nothing was written; {remedy}"
    )
