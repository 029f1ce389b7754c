"""What a run published: the rows of the stack's outputs, typed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class PublishedTag:
    """A version tag as it stands in the registry; ``size`` is in bytes, of all platforms."""

    digest: str
    platforms: tuple[str, ...]
    size: int


@dataclass(frozen=True, kw_only=True)
class Published:
    """What stands in the registry: version tags, and the digests of pointers, by full reference."""

    tags: Mapping[str, PublishedTag]
    pointers: Mapping[str, str]

    def has(self, ref: str) -> bool:
        """Tell whether the tag ``ref``, of either kind, is known to be there."""
        return ref in self.tags or ref in self.pointers


def published(outputs: Mapping[str, Any]) -> Published:
    """Return what is in a stack's ``outputs``: ``tags`` and ``pointers``, see ``components.fleet``.

    A row without a digest is of something that failed: it is left out.
    """
    rows = outputs.get("tags") or ()
    return Published(
        tags={
            str(row["tag"]): PublishedTag(
                digest=str(row["digest"]),
                platforms=tuple(map(str, row["platforms"])),
                size=int(row["size"]),
            )
            for row in rows
            if row["digest"]
        },
        pointers={
            str(row["tag"]): str(row["digest"])
            for row in outputs.get("pointers") or ()
            if row["digest"]
        },
    )
