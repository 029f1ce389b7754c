"""Sampling of the platforms of an unmoved tag: those that a refresh asks the registry for."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from fleet.registry.reference import TagReference
from providers.ociregistry.tag.model import Platform


@dataclass(frozen=True, kw_only=True)
class RefreshSampling:
    """One platform a day, or all of them.

    `now` returns the present as RFC 3339 text in UTC.
    """

    verify_all: bool
    now: Callable[[], str]

    def due(self, ref: TagReference, platforms: tuple[Platform, ...]) -> tuple[Platform, ...]:
        """Return those to ask for: each has its turn within as many days as there are platforms."""
        if self.verify_all or not platforms:
            return platforms
        day = date.fromisoformat(self.now()[: len("2026-11-23")]).toordinal()
        # The reference spreads the tags of one day over the platforms; `hash` differs by process.
        return (platforms[(day + zlib.crc32(str(ref).encode())) % len(platforms)],)
