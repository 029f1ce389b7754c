"""What an index names, put into the repository in which a tag shall name it."""

import asyncio

from providers.ociregistry.index import INDEXES, content_of, document_of, entries_of
from providers.ociregistry.library import Library
from providers.ociregistry.reference import ManifestReference, Repository
from providers.ociregistry.registry import Manifest, Registry


class Placer:
    """Copies images between repositories of one host; blobs are mounted where that is possible."""

    def __init__(self, registry: Registry, library: Library) -> None:
        self._registry = registry
        self._library = library

    async def place(
        self, source: ManifestReference, manifest: Manifest, target: Repository
    ) -> None:
        """Make all that `manifest` refers to available in `target`; it is not written itself.

        A registry takes no index without its manifests: those of attestations come along.

        :raises RegistryError: if the source has lost something that is not in `target` either.
        """
        if source.repository == target:
            return
        document = document_of(manifest, str(source))
        if manifest.media_type not in INDEXES:
            await self._blobs(source.repository, manifest, target)
            return
        for entry in entries_of(document, str(source)):
            await self._manifest(source.repository, entry.digest, target)

    async def _manifest(self, source: Repository, digest: str, target: Repository) -> None:
        if await self._registry.head(target, digest) is not None:
            return
        manifest = await self._library.need(source, digest)
        await self._blobs(source, manifest, target)
        await self._registry.put(target, digest, manifest)
        self._library.keep(target, manifest)

    async def _blobs(self, source: Repository, manifest: Manifest, target: Repository) -> None:
        place = f"{source}@{manifest.digest}"
        content = content_of(document_of(manifest, place), place)
        blobs = dict.fromkeys((content.config, *content.layers))
        await asyncio.gather(
            *(self._registry.transfer_blob(source, target, blob) for blob in blobs)
        )
