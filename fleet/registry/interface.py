"""The names by which other rooms know the registry client and its values."""

from fleet.registry.client import Client as Registry
from fleet.registry.client import DeleteOutcome, Look, TagList
from fleet.registry.manifest import MANIFEST_LIMIT, Blob, Manifest, digest_of

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
