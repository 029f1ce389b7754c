"""What an image is expected to hold, as the program declares it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

KEYS = {"python", "whole", "packages", "platforms"}
OF_A_PLATFORM = {"packages", "absent"}


class ExpectError(ValueError):
    """EXPECT is missing or malformed."""


@dataclass(frozen=True)
class Expect:
    """The declared content of the image on one platform.

    `python` is a version line ("3.11"), `packages` maps distribution names to exact versions,
    `platform` is an OCI platform ("linux/arm/v7"). `absent` names the distributions that are
    declared not to be had on this platform. `whole` lists the platforms that get every check.
    """

    python: str
    packages: dict[str, str]
    platform: str
    absent: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """True where every check runs, not just those that depend on the platform."""
        return self.platform in self.whole

    @property
    def scope(self) -> str:
        """One line that says which checks ran here, and where the others did."""
        ran = "the whole"
        if not self.is_whole:
            ran = f"what depends on the platform; the whole on {', '.join(self.whole)}"
        return f"checked on {self.platform}: {ran}"


def parse_expect(text: str, platform: str) -> Expect:
    """Read the build argument EXPECT for the platform that is built; raises `ExpectError`."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise ExpectError(f"EXPECT is not JSON ({error}): {text!r}") from None
    if not isinstance(raw, dict) or set(raw) != KEYS:
        raise ExpectError(f"EXPECT must hold {', '.join(sorted(KEYS))}: {text!r}")
    if not _is_text(raw["python"]):
        raise ExpectError(f"EXPECT: python must be a string: {text!r}")
    if not raw["whole"] or not _are_names(raw["whole"]):
        raise ExpectError(f"EXPECT: whole must list platforms, at least one: {text!r}")
    own = _of_platform(raw["platforms"], platform, text)
    packages = _merged(raw["packages"], own.get("packages", {}), text)
    absent = own.get("absent", [])
    if not _are_names(absent):
        raise ExpectError(f"EXPECT: absent must be a list of names: {text!r}")
    if both := sorted(set(absent) & set(packages)):
        raise ExpectError(f"EXPECT: {', '.join(both)} can't be in packages and absent: {text!r}")
    return Expect(raw["python"], packages, platform, tuple(absent), tuple(raw["whole"]))


def _of_platform(platforms: Any, platform: str, text: str) -> dict[str, Any]:
    """Return what is said of one platform beside what holds for all."""
    if not isinstance(platforms, dict):
        raise ExpectError(f"EXPECT: platforms must be an object with a key per platform: {text!r}")
    if platform not in platforms:
        named = ", ".join(platforms) or "none"
        raise ExpectError(f"EXPECT has no platform {platform!r} (TARGETPLATFORM), only {named}")
    own = platforms[platform]
    if not isinstance(own, dict) or not set(own) <= OF_A_PLATFORM:
        raise ExpectError(f"EXPECT: {platform} may hold packages and absent: {text!r}")
    return own


def _merged(common: Any, own: Any, text: str) -> dict[str, str]:
    """Return the packages of all platforms and this one's own, which must not be the same."""
    for packages in (common, own):
        if not isinstance(packages, dict) or not all(map(_is_text, packages.values())):
            raise ExpectError(f"EXPECT: packages must map names to versions: {text!r}")
    if both := sorted(set(common) & set(own)):
        raise ExpectError(f"EXPECT: {', '.join(both)} can't stand twice: {text!r}")
    if not common and not own:
        raise ExpectError(f"EXPECT: packages must hold at least one: {text!r}")
    return {**common, **own}


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
