"""The names by which `fleet/upkeep/prune` knows the registry client; others import them at home."""

from fleet.registry.client import Client as Registry
from fleet.registry.client import DeleteOutcome, Look, TagList
from fleet.registry.manifest import Manifest

__all__ = ["DeleteOutcome", "Look", "Manifest", "Registry", "TagList"]
