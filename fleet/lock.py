"""The lock: what was resolved from outside, so that a plan needs no network.

A lock is written by ``releases/`` alone. It holds base images by digest and platform, the exact
distributions (with hashes) that go into each image, and which versions were yanked.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fleet.declaration import Image

PinKey = tuple[str, str, str]
"""Image, Python and version: what a set of pinned distributions was resolved for."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """A base image: its public ``name``, the ``repository`` it is pulled from, its digests.

    ``platforms`` maps each platform to the digest of that platform's own image manifest, so that a
    base that moved for one platform rebuilds that platform alone.
    """

    name: str
    repository: str
    platforms: Mapping[str, str]

    def pinned(self, platform: str) -> str:
        """Return ``repository@digest`` for ``platform``."""
        return f"{self.repository}@{self.platforms[platform]}"


@dataclass(frozen=True, kw_only=True)
class Lock:
    """All that a plan needs from outside.

    ``bases`` and ``builders`` are keyed by ``{python}-{base}`` and ``{python}``. ``asked`` tells
    what each image declared when its ``pins`` were resolved, each of these a sorted tuple of
    ``name==version``; ``hashes`` are by pin, ``yanked`` by package.
    """

    bases: Mapping[str, Base] = field(default_factory=dict)
    builders: Mapping[str, Base] = field(default_factory=dict)
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pins: Mapping[PinKey, tuple[str, ...]] = field(default_factory=dict)
    hashes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    yanked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def requirements(self, key: PinKey) -> str:
        """Return a pip requirements file in hash-checking mode, one distribution a paragraph."""
        entries = (
            " \\\n".join([pin, *(f"    --hash={digest}" for digest in self.hashes[pin])])
            for pin in self.pins[key]
        )
        return "".join(f"{entry}\n" for entry in entries)

    def has_pins(self, image: Image, python: str, version: str) -> bool:
        """Tell whether pins are there that were resolved for what ``image`` declares now."""
        return (image.name, python, version) in self.pins and self.asked.get(image.name) == asked(
            image
        )


def asked(image: Image) -> tuple[str, ...]:
    """Return what is to be resolved for each Python and version of ``image``, version apart."""
    return (image.requirement, *image.requires)


def normalised(distribution: str) -> str:
    """Return a distribution's name as PEP 503 normalises it, without extras."""
    return re.sub(r"[-_.]+", "-", distribution.partition("[")[0]).lower()


def pinned_versions(pins: Iterable[str]) -> dict[str, str]:
    """Return ``{distribution: version}`` of ``pins``, by normalised names."""
    split = (pin.partition("==") for pin in pins)
    return {normalised(name): version for name, _, version in split}
