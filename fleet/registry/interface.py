"""The names by which other rooms know the registry client and its values."""

from fleet.registry.client import Client as Registry
from fleet.registry.content import (
    MANIFEST_LIMIT,
    Blob,
    DeleteOutcome,
    Look,
    Manifest,
    TagList,
    digest_of,
)

__all__ = [
    "MANIFEST_LIMIT",
    "Blob",
    "DeleteOutcome",
    "Look",
    "Manifest",
    "Registry",
    "TagList",
    "digest_of",
]
