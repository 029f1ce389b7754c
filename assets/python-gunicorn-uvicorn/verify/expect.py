"""What an image is expected to hold, as the program declares it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


class ExpectError(ValueError):
    """EXPECT is missing or malformed."""


@dataclass(frozen=True)
class Expect:
    """The declared content of the image.

    `python` is a version line ("3.11"), `packages` maps distribution names to exact versions,
    `platform` is an OCI platform ("linux/arm/v7").
    """

    python: str
    packages: dict[str, str]
    platform: str


def parse_expect(text: str) -> Expect:
    """Read the JSON object of the build argument EXPECT; raises `ExpectError`."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise ExpectError(f"EXPECT is no JSON ({error}): {text!r}") from None
    if not isinstance(raw, dict) or set(raw) != {"python", "packages", "platform"}:
        raise ExpectError(f"EXPECT must hold python, packages and platform: {text!r}")
    if not _is_text(raw["python"]) or not _is_text(raw["platform"]):
        raise ExpectError(f"EXPECT: python and platform must be strings: {text!r}")
    packages = raw["packages"]
    if not isinstance(packages, dict) or not packages or not all(map(_is_text, packages.values())):
        raise ExpectError(f"EXPECT: packages must map names to versions, at least one: {text!r}")
    return Expect(python=raw["python"], packages=packages, platform=raw["platform"])


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
