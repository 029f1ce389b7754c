"""What an image is expected to hold, as the program declares it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

REQUIRED = {"python", "packages", "platform"}


class ExpectError(ValueError):
    """EXPECT is missing or malformed."""


@dataclass(frozen=True)
class Expect:
    """The declared content of the image.

    `python` is a version line ("3.11"), `packages` maps distribution names to exact versions,
    `platform` is an OCI platform ("linux/arm/v7"). `absent` names the distributions that are
    declared not to be had on this platform.
    """

    python: str
    packages: dict[str, str]
    platform: str
    absent: tuple[str, ...] = ()


def parse_expect(text: str) -> Expect:
    """Read the JSON object of the build argument EXPECT; raises `ExpectError`."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise ExpectError(f"EXPECT is no JSON ({error}): {text!r}") from None
    if not isinstance(raw, dict) or not REQUIRED <= set(raw) <= {*REQUIRED, "absent"}:
        keys = "python, packages and platform, and may hold absent"
        raise ExpectError(f"EXPECT must hold {keys}: {text!r}")
    if not _is_text(raw["python"]) or not _is_text(raw["platform"]):
        raise ExpectError(f"EXPECT: python and platform must be strings: {text!r}")
    packages, absent = raw["packages"], raw.get("absent", [])
    if not isinstance(packages, dict) or not packages or not all(map(_is_text, packages.values())):
        raise ExpectError(f"EXPECT: packages must map names to versions, at least one: {text!r}")
    if not isinstance(absent, list) or not all(map(_is_text, absent)):
        raise ExpectError(f"EXPECT: absent must be a list of names: {text!r}")
    if both := sorted(set(absent) & set(packages)):
        raise ExpectError(f"EXPECT: {', '.join(both)} can't be in packages and absent: {text!r}")
    return Expect(raw["python"], packages, raw["platform"], tuple(absent))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
