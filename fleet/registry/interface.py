"""What this provider needs of a registry, and nothing more."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from fleet.registry.reference import Repository

# OCI distribution specification 1.1, "Pushing manifests": registries take at least 4 MiB.
MANIFEST_LIMIT = 4 * 1024 * 1024


def digest_of(body: bytes) -> str:
    """Return the sha256 digest of `body`."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The bytes of a manifest or index with their media type; the digest follows from them."""

    body: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """The sha256 digest of the bytes."""
        return digest_of(self.body)


@dataclass(frozen=True, kw_only=True)
class Blob:
    """A blob as a manifest describes it; `size` in bytes."""

    digest: str
    size: int


@dataclass(frozen=True, kw_only=True)
class TagList:
    """The tags of a repository, sorted; `known` is false where the registry has no such name.

    `date` is the registry's own time of the answer (RFC 3339, UTC), empty where it told none.
    """

    tags: tuple[str, ...]
    known: bool
    date: str = ""


Look = Callable[[], Awaitable[None]]
"""A last look before a write: it raises where that must not be sent (again)."""


class DeleteOutcome:
    """What a registry made of a DELETE: the possible values."""

    DONE = "done"
    ABSENT = "absent"
    UNSUPPORTED = "unsupported"


class Registry(Protocol):
    """The registry operations of this provider.

    Every method raises `RegistryError` when the registry fails or answers with nonsense.
    """

    async def head(self, repository: Repository, reference: str) -> str | None:
        """Return the digest that a tag or digest names, or None where it is absent."""

    async def get(self, repository: Repository, reference: str) -> Manifest | None:
        """Return a manifest whose bytes were checked against its digest, or None."""

    async def put(
        self,
        repository: Repository,
        reference: str,
        manifest: Manifest,
        *,
        named: str | None = None,
    ) -> None:
        """Write a manifest under a tag or under its own digest.

        `named` is the digest that the tag was seen to name just before, None where it was absent.
        No registry compares and swaps, so the caller looks before the first request; before each
        repetition of it this looks again.

        :raises ConflictError: if the tag names by then neither that nor what is written.
        """

    async def delete(
        self,
        repository: Repository,
        reference: str,
        *,
        named: str | None = None,
        look: Look | None = None,
    ) -> str:
        """Delete a tag or digest; return a value of `DeleteOutcome`.

        `named` is the digest that the tag was seen to name just before, as with `put`. For a
        digest that tags may have come to name, `look` is awaited before the request is repeated.

        :raises ConflictError: if the tag names another one before the request is repeated.
        """

    async def tags(self, repository: Repository) -> TagList:
        """List every tag, over all pages."""

    async def read_blob(self, repository: Repository, blob: Blob) -> bytes:
        """Return a small blob whole, checked against its digest."""

    async def write_blob(self, repository: Repository, body: bytes) -> None:
        """Upload a small blob unless the repository holds it."""

    async def transfer_blob(self, source: Repository, target: Repository, blob: Blob) -> None:
        """Make a blob of `source` available in `target`, by mounting or else by copying."""
