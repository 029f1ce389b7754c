"""Manifests by digest, read once per run: what a digest names never changes.

Its bytes are the same in every repository; that one repository holds it proves nothing for another.
"""

import asyncio
import time
from collections import defaultdict

from fleet.registry.client import Client
from fleet.registry.errors import RegistryError
from fleet.registry.manifest import Manifest
from fleet.registry.reference import Repository

# A preview may wait long for its answer before the update follows in the same process.
_TRUSTED_SECONDS = 60.0


class ManifestCache:
    """A cache of checked manifests, and of which digests a repository was just seen to hold."""

    def __init__(self, registry: Client) -> None:
        self._registry = registry
        self._manifests: dict[str, Manifest] = {}
        self._held: set[tuple[Repository, str]] = set()
        self._seen: dict[tuple[Repository, str], float] = {}
        # Tags that share a digest are read at the same time: one asks, the others wait.
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def keep(self, repository: Repository, manifest: Manifest) -> None:
        """Remember a manifest that a repository holds."""
        self._held.add((repository, manifest.digest))
        self._manifests[manifest.digest] = manifest

    async def find(self, repository: Repository, digest: str) -> Manifest | None:
        """Return a manifest by digest, or None where the repository does not hold it."""
        async with self._locks[digest]:
            known = self._manifests.get(digest)
            if known is None:
                known = await self._registry.get(repository, digest)
            elif (repository, digest) not in self._held:
                known = known if await self._registry.head(repository, digest) else None
            if known is not None:
                self.keep(repository, known)
            return known

    async def need(self, repository: Repository, digest: str) -> Manifest:
        """Return a manifest by digest.

        :raises RegistryError: if the repository does not hold it.
        """
        manifest = await self.find(repository, digest)
        if manifest is None:
            raise RegistryError(
                f"{repository}@{digest} is not in the registry; run `pulumi up --refresh`, which "
                "builds what is missing"
            )
        return manifest

    async def has(self, repository: Repository, digest: str) -> bool:
        """Tell whether the repository holds a digest; asked once a minute at most."""
        key = (repository, digest)
        async with self._locks[digest]:
            if time.monotonic() - self._seen.get(key, -_TRUSTED_SECONDS) < _TRUSTED_SECONDS:
                return True
            there = await self._registry.head(repository, digest) is not None
            if there:
                self._seen[key] = time.monotonic()
            return there
