"""Declarations of any size, with a lock that covers them: what a growing fleet would declare."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from fleet.declaration.model import Declaration
from fleet.lock.model import Base, Lock
from tests.fleet import examples

PYTHONS: Final = ("3.9", "3.10", "3.11", "3.12", "3.13")
BASES: Final = ("full", "slim")
PLATFORMS: Final = ("linux/amd64", "linux/arm64", "linux/arm/v7")
STEP: Final = len(PYTHONS) * len(BASES)
"""Version tags that one version of a package makes; every size is a multiple of it."""


def config(tags: int, per_image: int, registry: str) -> dict[str, Any]:
    """Return the configuration of a stack with ``tags`` version tags, without ``fleet:``.

    Each image has ``per_image`` of them, on 5 Pythons and 2 bases; the last has the rest.

    :raises ValueError: when a number is not a multiple of ``STEP``.
    """
    if tags < STEP or per_image < STEP or tags % STEP or per_image % STEP:
        raise ValueError(f"{tags} tags, {per_image} an image: give multiples of {STEP}")
    images = {
        name(number): _image(min(per_image, tags - number * per_image))
        for number in range(math.ceil(tags / per_image))
    }
    builders = dict.fromkeys(PLATFORMS, "fleet")
    return examples.config(registry=registry, builders=builders, images=images)


def name(number: int) -> str:
    """Return the name of an image."""
    return f"web-{number:04}"


def versions(count: int) -> list[str]:
    """Return ``count`` versions, two per minor line, so that pointers grow with the tags."""
    return [f"0.{number // 2}.{number % 2}" for number in range(count)]


def lock(declared: Declaration, *, hashes: int) -> Lock:
    """Return a lock that covers ``declared``, with as many files a pin, each with its hash."""
    example = examples.lock(declared)
    return replace(
        example,
        bases={key: _everywhere(base, key) for key, base in example.bases.items()},
        builders={key: _everywhere(base, key) for key, base in example.builders.items()},
        files={pin: tuple(_file(pin, number) for number in range(hashes)) for pin in example.files},
    )


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of ``points`` (size, cost) by least squares over their logarithms.

    1 is linear, 2 quadratic.

    :raises ValueError: for less than two sizes.
    """
    xs, ys = ([math.log(point[axis]) for point in points] for axis in (0, 1))
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    if not spread:
        raise ValueError("an exponent needs two sizes")
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread


def _image(tags: int) -> dict[str, Any]:
    return examples.image(
        pythons=list(PYTHONS),
        bases=list(BASES),
        versions=versions(tags // STEP),
        platforms=list(PLATFORMS),
    )


def _everywhere(base: Base, key: str) -> Base:
    platforms = {p: _digest(f"{key} {p}") for p in PLATFORMS}
    return replace(base, digest=_digest(key), platforms=platforms)


def _file(pin: str, number: int) -> str:
    """Return the address of a wheel of ``pin``, with its build number."""
    return examples.wheel(pin, f"{number}-py3-none-any.whl")


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
