"""Placement of what an index names in the repository in which a tag shall name it."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from fleet.registry.client import Client
from fleet.registry.errors import RegistryError
from fleet.registry.manifest import (
    INDEXES,
    Child,
    Content,
    Manifest,
    content_of,
    document_of,
    entries_of,
)
from fleet.registry.manifest_cache import ManifestCache
from fleet.registry.reference import ManifestReference, Repository, TagReference


class _Missing(NamedTuple):
    """Content that is not in the target yet; of a source that is not an index, its blobs alone."""

    source: Repository
    content: Content
    manifest: Manifest | None


class Placer:
    """Copies images between repositories; blobs are mounted where that is possible."""

    def __init__(self, registry: Client, manifests: ManifestCache) -> None:
        self._registry = registry
        self._manifests = manifests

    async def place(
        self, sources: Sequence[tuple[ManifestReference, Manifest]], ref: TagReference
    ) -> None:
        """Make all that `sources` refer to available where `ref` is; they are not written.

        A registry takes no index without its manifests: those of attestations come along. All is
        looked at before the first write.

        :raises RegistryError: if a source has lost something that is not in the target either, or
            names something that is not an image.
        """
        target = ref.repository
        tag = f"{ref.tag}-*" if len(sources) > 1 else ref.tag
        missing = [
            part
            for source, manifest in sources
            if source.repository != target
            for part in await self._missing(source, manifest, target, tag)
        ]
        for part in dict.fromkeys(missing):
            await self._blobs(part, target)
            if part.manifest is not None:
                await self._registry.put(target, part.manifest.digest, part.manifest)
                self._manifests.keep(target, part.manifest)

    async def _missing(
        self, source: ManifestReference, manifest: Manifest, target: Repository, tag: str
    ) -> list[_Missing]:
        place = source.repository
        document = document_of(manifest, str(source))
        if manifest.media_type not in INDEXES:
            content = content_of(document, str(source))
            return [_Missing(source=place, content=content, manifest=None)]
        found = []
        for entry in entries_of(document, str(source)):
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
            named = f"{place}@{entry.digest}"
            content = content_of(document_of(child, named), named)
            found.append(_Missing(source=place, content=content, manifest=child))
        return found

    async def _blobs(self, part: _Missing, target: Repository) -> None:
        blobs = dict.fromkeys((part.content.config, *part.content.layers))
        await asyncio.gather(
            *(self._registry.transfer_blob(part.source, target, blob) for blob in blobs)
        )


def _lost(source: ManifestReference, entry: Child, target: Repository, tag: str) -> str:
    """Say how a build comes back whose index is there, and a manifest of it is not.

    docker-build's read asks for the index alone, so no refresh finds that. A build's resource is
    called by the end of its repository and its `tag`. A public one is put right by its own tag.
    """
    place = source.repository
    name = "/".join(place.name.split("/")[-2:])
    remedy = "run `make refresh`, then `make up`, which puts it back from its build"
    if name.endswith("/build"):
        remedy = f"have it built again: `pulumi up --refresh --replace '**::{name}:{tag}'`"
    return (
        f"{place}@{entry.digest} ({entry.platform or 'no platform'}), of {source}, is not in the "
        f"registry, nor in {target}, and nothing was written; {remedy}"
    )
