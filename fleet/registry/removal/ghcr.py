"""Removing names on GitHub's registry, which answers every DELETE with 405."""

from collections.abc import Collection
from dataclasses import dataclass

from fleet.http.retry import RetryPolicy
from fleet.registry.client import Client
from fleet.registry.errors import RegistryError, UnsupportedRemovalError
from fleet.registry.github_packages import Packages, Version, is_ghcr
from fleet.registry.interruption import require_running
from fleet.registry.manifest import Manifest
from fleet.registry.reference import TagReference
from fleet.registry.removal.distribution import DistributionRemover, accepted
from fleet.registry.removal.placeholder import is_placeholder, remove_by_placeholder, still_names
from fleet.registry.transport import Transport

# Seconds between looks at the list of versions, which lags behind the registry.
_WAITS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)


@dataclass(frozen=True, kw_only=True)
class PackagesRemover:
    """Removes names with GitHub's Packages API, which deletes a digest with all its tags.

    So the name first gets a digest of its own, a placeholder. Only the version with the digest
    that this write produced, and with that one tag, is deleted. The list of versions may lag
    behind: an old one still shows the tag at its image, which is why no version is ever looked
    for by its tag. Where the version does not show up in time, or GitHub refuses, the name is put
    back on what it named.
    """

    registry: Client
    packages: Packages
    retry: RetryPolicy

    async def require(self, ref: TagReference) -> None:
        """Look at token and package."""
        await self.packages.require(ref.repository)

    async def remove(self, ref: TagReference, manifest: Manifest, others: Collection[str]) -> bool:
        """Remove the tag, as `DistributionRemover.remove` does."""
        require_running()
        await self.packages.require(ref.repository)
        if not others:
            raise UnsupportedRemovalError(
                f"{ref}: GitHub does not delete the last tagged version of a package, so the tag "
                "stays as it was.\nDelete the package on GitHub if nothing of it is needed"
            )
        await remove_by_placeholder(
            self.registry, ref, manifest, lambda digest: self._delete(ref, digest)
        )

        async def check() -> None:
            if await self.registry.head(ref.repository, manifest.digest) is None:
                raise RegistryError(
                    f"{ref}: {manifest.digest} is not there after the tag was removed.\nRestore "
                    "that version of the package on GitHub within 30 days"
                )

        if not is_placeholder(manifest):
            await accepted(check())
        return True

    async def _delete(self, ref: TagReference, digest: str) -> None:
        """Delete the version of a placeholder; where the tag is gone, the deletion is done."""

        async def look() -> None:
            await still_names(self.registry, ref, digest)

        version = await self._wait_for(ref, digest)
        # The list may be old even where it shows the digest: the version itself is asked.
        current = await self.packages.version(ref.repository, version.number)
        if current is None or not _is_alone(current, ref, digest):
            raise RegistryError(f"{ref}: GitHub's version {version.number} changed; run again")
        await look()
        await self.packages.delete(ref.repository, version.number, look)

    async def _wait_for(self, ref: TagReference, digest: str) -> Version:
        for wait in (*_WAITS, None):
            async for version in self.packages.versions(ref.repository):
                if _is_alone(version, ref, digest):
                    return version
            if wait is not None:
                await self.retry.sleep(wait)
        raise RegistryError(
            f"{ref}: GitHub's list of versions did not show {digest} with that one tag within "
            f"{sum(_WAITS):.0f} s; run again later"
        )


def _is_alone(version: Version, ref: TagReference, digest: str) -> bool:
    return version.digest == digest and version.tags == (ref.tag,)


NameRemover = DistributionRemover | PackagesRemover


class Removers:
    """The way of removing names that fits a host."""

    def __init__(self, transport: Transport, client: Client) -> None:
        self._environment = transport.environment
        self._plain = DistributionRemover(registry=client)
        self._github = PackagesRemover(
            registry=client, packages=Packages(transport), retry=transport.retry
        )

    def of(self, host: str) -> NameRemover:
        """Return the remover for a host: GitHub's API, or the requests of the specification."""
        return self._github if is_ghcr(host, self._environment) else self._plain
