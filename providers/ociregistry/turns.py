"""Which platforms of an unmoved tag a refresh asks the registry for."""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from providers.ociregistry.errors import OciError
from providers.ociregistry.reference import TagReference
from providers.ociregistry.tag import Platform

_SETTING = "FLEET_VERIFY_CHILDREN"


@dataclass(frozen=True, kw_only=True)
class Turns:
    """One platform a day, or all where the environment says `FLEET_VERIFY_CHILDREN=all`.

    `now` returns the present as RFC 3339 text in UTC.
    """

    environment: Mapping[str, str]
    now: Callable[[], str]

    def due(self, ref: TagReference, platforms: tuple[Platform, ...]) -> tuple[Platform, ...]:
        """Return those to ask for: each has its turn within as many days as there are platforms.

        :raises OciError: if the setting is anything else than `all` or empty.
        """
        setting = self.environment.get(_SETTING, "")
        if setting not in {"", "all"}:
            raise OciError(f"{_SETTING} is {setting!r}; write all, or leave it unset")
        if setting == "all" or not platforms:
            return platforms
        day = date.fromisoformat(self.now()[: len("2026-11-23")]).toordinal()
        # The reference spreads the tags of one day over the platforms; `hash` differs by process.
        return (platforms[(day + zlib.crc32(str(ref).encode())) % len(platforms)],)
