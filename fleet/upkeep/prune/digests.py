"""How digests are listed and deleted, which differs by registry."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass

from fleet.console import TroubleError
from fleet.http.retry import unsettled
from fleet.registry.client import Client, DeleteOutcome, Look
from fleet.registry.errors import RegistryError
from fleet.registry.github_packages import Packages, Version
from fleet.registry.reference import Repository


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """A registry of the OCI distribution specification, which lists no digests.

    ``advice`` is what a person has to do beyond, for the bytes to go, or can do to undo it.
    """

    registry: Client
    advice: str = (
        "The bytes go when the registry's operator collects garbage (distribution: `registry "
        "garbage-collect CONFIG`, with the registry stopped or read-only; never with "
        "--delete-untagged, which takes what is pinned or kept for an undo as well)."
    )

    async def listed(self, repository: Repository) -> frozenset[str]:  # noqa: ARG002
        """Return every digest of a repository, or none where the registry lists only tags."""
        return frozenset()

    async def require(self, repository: Repository) -> None:
        """Return if digests of ``repository`` can be deleted, without any write.

        :raises TroubleError: if not.
        :raises fleet.registry.errors.OciError: if not, or the registry fails.
        """
        # A digest that nothing has.
        await self._delete(repository, f"sha256:{secrets.token_hex(32)}")

    async def delete(
        self,
        repository: Repository,
        digest: str,
        tags: Collection[str],  # noqa: ARG002
        look: Look,
    ) -> None:
        """Delete a digest, which has no names but ``tags``; one that is gone is not an error.

        ``look`` is awaited before a request is repeated, for a wait of a minute is long enough for
        another name: it raises where the digest is needed by then.

        :raises TroubleError: when the registry refuses.
        :raises fleet.registry.errors.OciError: when the registry fails or refuses.
        """
        await self._delete(repository, digest, look)

    async def _delete(self, repository: Repository, digest: str, look: Look = unsettled) -> None:
        outcome = await self.registry.delete(repository, digest, look=look)
        if outcome == DeleteOutcome.UNSUPPORTED:
            raise TroubleError(
                f"{repository}: the registry does not delete by digest.\nEnable deletion there "
                "(distribution: storage.delete.enabled), or leave its storage to its operator"
            )


@dataclass(frozen=True, kw_only=True)
class GitHub(Distribution):
    """GitHub's registry, by its Packages API, which lists every digest as a version."""

    packages: Packages
    advice: str = "GitHub can restore a deleted version for 30 days."

    async def listed(self, repository: Repository) -> frozenset[str]:
        """Return the digests of all versions."""
        return frozenset([v.digest async for v in self.packages.versions(repository)])

    async def require(self, repository: Repository) -> None:
        """Check the token and the package."""
        await self.packages.require(repository)

    async def delete(
        self, repository: Repository, digest: str, tags: Collection[str], look: Look
    ) -> None:
        """Delete the version of a digest, after it was asked for its tags once more.

        :raises RegistryError: if it has another tag by now, if it is there but not in the list of
            versions, which lags behind, or if GitHub refuses: the last tagged version of a
            package, or one that was downloaded more than 5,000 times.
        """
        version = await self._find(repository, digest)
        if version is None or not await self._is_there(repository, version, tags):
            if await self.registry.head(repository, digest) is not None:
                place = f"{repository}@{digest}"
                raise RegistryError(f"{place}: GitHub does not list it yet. Run again later")
            return

        async def again() -> None:
            await look()
            await self._is_there(repository, version, tags)

        await self.packages.delete(repository, version.number, again)

    async def _is_there(
        self, repository: Repository, version: Version, tags: Collection[str]
    ) -> bool:
        """Ask for a version itself, and tell whether it is there.

        :raises RegistryError: if it has another tag than ``tags`` by now.
        """
        current = await self.packages.version(repository, version.number)
        if current is None:
            return False
        if current.digest != version.digest or not set(current.tags) <= set(tags):
            place = f"{repository}@{version.digest}"
            raise RegistryError(f"{place} was given the tag {', '.join(current.tags)} meanwhile")
        return True

    async def _find(self, repository: Repository, digest: str) -> Version | None:
        async for version in self.packages.versions(repository):
            if version.digest == digest:
                return version
        return None
