"""Values that a registry holds and answers with."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

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
