"""What has no wheel and is compiled: once for all tags of an image that compile the same."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fleet.declaration.matrix import MatrixEntry
from fleet.lock.model import Lock
from fleet.plan.identity import digest_of
from fleet.plan.installed import Contents, target_of

DEPENDENCIES: Final = "WHEELS"
"""The argument of an image's Dockerfile with what was compiled of its dependencies."""

PACKAGE: Final = "PACKAGE_WHEELS"
"""The same of its package, apart: a version of it has no other compiled again."""

TAGS: Final = "wheels-"
"""What the tags of wheels begin with, which lie in the repository of the builds."""

_ALPINE_COMPILERS: Final = "build-base libffi-dev linux-headers"
"""What the official alpine image lacks and the full one has."""

_EPOCH: Final = "315532800"
"""The oldest date that a wheel, which is a zip file, can hold: the same wheels, the same bytes."""

_SHORT: Final = slice(len("sha256:"), len("sha256:") + 12)


@dataclass(frozen=True, kw_only=True)
class Wheels:
    """An image of wheels for the platforms of one builder, made for one Python and set of pins.

    ``name`` is the logical name of its resource, and holds a hash of its arguments: others are
    another resource. Of the files that compile, docker-build sees each change itself. A platform
    that compiles nothing has an empty image.
    """

    name: str
    platforms: tuple[str, ...]
    builder: str
    foreign: bool
    repository: str
    reference: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Compiling:
    """Where wheels are made: on ``builder``, in containers of ``image``, for ``repository``.

    ``foreign`` says that only a ``docker buildx`` on the machine drives the builder.
    """

    builder: str
    foreign: bool
    image: str
    repository: str


def wheels_of(
    entry: MatrixEntry,
    pins: Mapping[str, Sequence[str]],
    found: Mapping[str, Contents],
    lock: Lock,
    where: Compiling,
) -> Wheels:
    """Return what is compiled of ``pins`` by platform; ``found`` is what each of these holds."""
    platforms = tuple(found)
    compiling = [platform for platform in platforms if pins[platform]]
    arguments = {
        "BUILDKIT_MULTI_PLATFORM": "1",
        "SOURCE_DATE_EPOCH": _EPOCH,
        "BUILDER": where.image,
        "COMPILED": _sources(pins, found),
        "BUILD_REQUIREMENTS": _built_by(entry, compiling, found, lock),
        **({"COMPILERS": _ALPINE_COMPILERS} if entry.base == "alpine" else {}),
    }
    short = digest_of([list(platforms), where.builder, arguments])[_SHORT]
    tag = f"py{entry.builder_key}-{short}"
    return Wheels(
        name=f"{entry.image.name}/wheels:{tag}",
        platforms=platforms,
        builder=where.builder,
        foreign=where.foreign,
        repository=where.repository,
        reference=f"{where.repository}:{TAGS}{tag}",
        arguments=arguments,
    )


def _sources(pins: Mapping[str, Iterable[str]], found: Mapping[str, Contents]) -> str:
    """Return a line ``<platforms> <name> @ <address>`` of each that is compiled."""
    places: dict[tuple[str, str], list[str]] = {}
    for platform, own in pins.items():
        for pin in own:
            places.setdefault((pin, found[platform].sources[pin]), []).append(platform)
    return "".join(
        f"{','.join(platforms)} {_source(pin, address)}\n"
        for (pin, address), platforms in sorted(places.items())
    )


def _built_by(
    entry: MatrixEntry, compiling: Iterable[str], found: Mapping[str, Contents], lock: Lock
) -> str:
    """Return a line of each that builds, in their order: wheels first, then sources."""
    wheels: dict[str, list[str]] = {}
    sources: dict[str, list[str]] = {}
    for platform in compiling:
        target = target_of(platform, entry.base)
        for pin in found[platform].backends:
            source = found[platform].sources.get(pin)
            if source:
                sources.setdefault(_source(pin, source), []).append(platform)
            else:
                file = lock.wheel(pin, entry.python, target) or pin
                wheels.setdefault(file, []).append(platform)
    lines = (*wheels.items(), *sources.items())
    return "".join(f"{','.join(platforms)} {what}\n" for what, platforms in lines)


def _source(pin: str, address: str) -> str:
    return f"{pin.partition('==')[0]} @ {address}"
