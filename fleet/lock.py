"""The lock: what was resolved from outside, so that a plan needs no network.

A lock is written by ``releases/`` alone. It holds base images by digest and platform, the exact
distributions (with hashes) that go into each image, and which versions were yanked.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from packaging.markers import Marker

from fleet.declaration import Image

PinKey = tuple[str, str, str]
"""Image, Python and version: what a set of pinned distributions was resolved for."""

ToolKey = tuple[str, str]
"""Image and Python: what compiles its distributions."""

Needs = Mapping[str, tuple[str, ...]]
"""By ``{platform} {libc}``, what an image installs there itself, as sorted ``name==version``."""

_MACHINES = {
    "linux/amd64": "x86_64",
    "linux/arm64": "aarch64",
    "linux/arm/v7": "armv7l",
    "linux/386": "i686",
}
"""By platform, what PEP 508 calls ``platform_machine``, where it is not the architecture's name."""


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
class Tools:
    """What compiles the distributions of an image that have no wheel.

    ``pins`` are build backends and what they need. ``compiled`` maps ``{platform} {libc}`` to what
    has no wheel there, build backends included, as ``name==version``; ``sources`` says of each of
    these where its source distribution is: an address, with ``#sha256=`` and its hash behind it.
    ``looked_at`` are all that were asked after, so that others are not taken for had: these are
    looked at anew. A lock of older format has their hash in ``found_for`` instead. ``pure`` says
    that all of them are pure Python.
    """

    pins: tuple[str, ...]
    compiled: Mapping[str, tuple[str, ...]]
    sources: Mapping[str, str] = field(default_factory=dict)
    looked_at: Needs = field(default_factory=dict)
    found_for: str = ""
    pure: bool = False


@dataclass(frozen=True, kw_only=True)
class Lock:
    """All that a plan needs from outside.

    ``bases`` are keyed by ``{python}-{base}``; ``builders`` by ``{python}``, those of alpine by
    ``{python}-alpine``. ``asked`` tells what each image declared when its ``pins`` were resolved,
    each of these a sorted tuple of ``name==version``, with ``; marker`` (PEP 508) behind it where
    not every platform gets it; ``hashes`` are by ``name==version``, ``yanked`` by package.
    """

    bases: Mapping[str, Base] = field(default_factory=dict)
    builders: Mapping[str, Base] = field(default_factory=dict)
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pins: Mapping[PinKey, tuple[str, ...]] = field(default_factory=dict)
    tools: Mapping[ToolKey, Tools] = field(default_factory=dict)
    hashes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    yanked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def pins_on(self, key: PinKey, platform: str) -> tuple[str, ...]:
        """Return those of the pins at ``key`` that ``platform`` gets, without their markers."""
        return tuple(bare(pin) for pin in self.pins[key] if holds(pin, key[1], platform))

    def requirements(self, pins: Iterable[str]) -> str:
        """Return a pip requirements file in hash-checking mode, one distribution a paragraph."""
        entries = (
            " \\\n".join([pin, *(f"    --hash={digest}" for digest in self.hashes[pin])])
            for pin in pins
        )
        return "".join(f"{entry}\n" for entry in entries)

    def has_pins(self, image: Image, python: str, version: str) -> bool:
        """Tell whether pins are there that were resolved for what ``image`` declares now."""
        return (image.name, python, version) in self.pins and self.asked.get(image.name) == asked(
            image
        )


def command(stack: str) -> str:
    """Return the command that brings the lock of ``stack`` up to its declaration."""
    return f"`make lock STACK={stack}`"


def asked(image: Image) -> tuple[str, ...]:
    """Return what is to be resolved for each Python and version of ``image``, version apart."""
    return (image.requirement, *image.requires)


def bare(pin: str) -> str:
    """Return ``name==version`` of a pin, without its marker."""
    return pin.partition(";")[0].strip()


def name_of(pin: str) -> str:
    """Return the normalised name of a pin's distribution."""
    return normalised(pin.partition("==")[0])


def machine_of(platform: str) -> str:
    """Return what PEP 508 and wheel names call the machine of ``platform``: ``x86_64``."""
    return _MACHINES.get(platform, platform.partition("/")[2])


def holds(pin: str, python: str, platform: str) -> bool:
    """Tell whether the marker of ``pin`` holds on CPython ``python`` (``X.Y``) on ``platform``.

    The patch release is taken for 0: what is needed only before a later one comes along too.
    """
    marker = pin.partition(";")[2].strip()
    if not marker:
        return True
    environment = {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": machine_of(platform),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
        "extra": "",
    }
    return Marker(marker).evaluate(environment)


def normalised(distribution: str) -> str:
    """Return a distribution's name as PEP 503 normalises it, without extras."""
    return re.sub(r"[-_.]+", "-", distribution.partition("[")[0]).lower()


def pinned_versions(pins: Iterable[str]) -> dict[str, str]:
    """Return ``{distribution: version}`` of ``pins``, by normalised names."""
    split = (bare(pin).partition("==") for pin in pins)
    return {normalised(name): version for name, _, version in split}
