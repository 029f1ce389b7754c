"""The lock: what was resolved from outside by ``releases/``, so that a plan needs no network."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from packaging.markers import Marker

from fleet.declaration.distributions import normalised
from fleet.declaration.matrix import PinKey
from fleet.declaration.model import Image
from fleet.declaration.tags import PLATFORMS
from fleet.lock.advisories import Findings
from fleet.lock.official_bases import place_of
from fleet.lock.wheel_files import wheel_for

ToolKey = tuple[str, str]
"""Image and Python: what compiles its distributions."""

Needs = Mapping[str, tuple[str, ...]]
"""By ``{platform} {libc}``, what an image installs there itself, as sorted ``name==version``."""

Files = Mapping[str, tuple[str, ...]]
"""By ``name==version``, its wheels: addresses, each with ``#sha256=`` and its hash behind it."""

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

    ``digest`` is that of the index, ``platforms`` maps each of our platforms to the digest of its
    own manifest: the pin moves only when one of these did. ``created`` is the day (``YYYY-MM-DD``)
    on which the oldest of these was made, empty where the index does not say.
    """

    name: str
    repository: str
    digest: str
    platforms: Mapping[str, str] = field(default_factory=dict)
    created: str = ""

    @property
    def pinned(self) -> str:
        """Return ``repository@digest``, which serves every platform."""
        return f"{self.repository}@{self.digest}"

    @property
    def identity(self) -> str:
        """Return the name at its digest: the same bytes, whichever mirror they are pulled from."""
        return f"{self.name.rpartition(':')[0]}@{self.digest}"

    def comes_from(self, name: str, base_registry: str) -> bool:
        """Tell whether this is ``name``, pulled from where ``base_registry`` has it now."""
        place = place_of(name, base_registry)
        return self.name == name and self.repository == place.rpartition(":")[0]


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """The time for which a feature release of CPython is maintained, by its release cycle.

    ``until`` is the last day, ``YYYY-MM-DD``. ``state`` is what that meant on the day when the
    cycle was asked, so that a page that warns is made without a clock: ``ending`` is within half
    a year of that day or past it, ``ended`` what the release manager ended.
    """

    until: str
    state: Literal["maintained", "ending", "ended"]


@dataclass(frozen=True, kw_only=True)
class Tools:
    """The build tools for the distributions of an image that have no wheel.

    ``pins`` are build backends and what they need. ``compiled`` maps ``{platform} {libc}`` to what
    has no wheel there, build backends included, as ``name==version``; ``sources`` says of each of
    these where its source distribution is: an address, with ``#sha256=`` and its hash behind it.
    """

    pins: tuple[str, ...] = ()
    compiled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Lock:
    """All that a plan needs from outside.

    ``bases`` are keyed by ``{python}-{base}``; ``builders`` by ``{python}``, those of alpine by
    ``{python}-alpine``. ``asked`` tells what each image declared when its ``pins`` were resolved,
    each of these a sorted tuple of ``name==version``, with ``; marker`` (PEP 508) behind it where
    not every platform gets it; ``files`` are the wheels that one of these is installed from
    somewhere, ``yanked`` are by package. ``installer`` is the pin of what installs wheels.
    ``advisories`` are what was known when it was written, ``None`` where nobody was asked.
    ``pythons`` are lifetimes by ``X.Y``, of those that the release cycle was asked for.
    """

    bases: Mapping[str, Base] = field(default_factory=dict)
    builders: Mapping[str, Base] = field(default_factory=dict)
    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pins: Mapping[PinKey, tuple[str, ...]] = field(default_factory=dict)
    tools: Mapping[ToolKey, Tools] = field(default_factory=dict)
    files: Files = field(default_factory=dict)
    installer: str = ""
    yanked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    advisories: Findings | None = None
    pythons: Mapping[str, Lifetime] = field(default_factory=dict)

    def pins_on(self, key: PinKey, platform: str) -> tuple[str, ...]:
        """Return those of the pins at ``key`` that ``platform`` gets, without their markers."""
        return tuple(bare(pin) for pin in self.pins[key] if holds(pin, key[1], platform))

    def wheel(self, pin: str, python: str, target: str) -> str | None:
        """Return the wheel of ``name==version`` that ``{platform} {libc}`` installs, if any.

        It is an address, with ``#sha256=`` and its hash behind it.
        """
        platform, _, libc = target.rpartition(" ")
        return wheel_for(self.files.get(pin, ()), python, machine_of(platform), libc)

    def has_pins(self, image: Image, python: str, version: str) -> bool:
        """Tell whether pins are there that were resolved for what ``image`` declares now.

        A version outside of a declared condition counts for none, whatever else the lock says.
        """
        pins = self.pins.get((image.name, python, version))
        if pins is None or self.asked.get(image.name) != asked(image):
            return False
        limits = {name: limit for name, limit in image.required.items() if limit}
        return not limits or all(
            limits[name].contains(held, prereleases=True)
            for name, held in ((name_of(pin), bare(pin).partition("==")[2]) for pin in pins)
            if name in limits
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


def platform_of(machine: str) -> str:
    """Return the platform of containers on a ``machine``; empty if no image is built for it."""
    known = {machine_of(platform): platform for platform in PLATFORMS}
    return {**known, "arm64": "linux/arm64", "AMD64": "linux/amd64"}.get(machine, "")


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


def pinned_versions(pins: Iterable[str]) -> dict[str, str]:
    """Return ``{distribution: version}`` of ``pins``, by normalised names."""
    split = (bare(pin).partition("==") for pin in pins)
    return {normalised(name): version for name, _, version in split}
