"""What has no wheel and is compiled: once for all tags of an image that compile the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fleet.declaration.grouping import grouped
from fleet.declaration.matrix import MatrixEntry
from fleet.declaration.model import Declaration
from fleet.lock.model import Lock
from fleet.plan.identity import digest_of
from fleet.plan.installed import Contents
from fleet.plan.requirements import lines

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
class Build:
    """A build that docker-build pushes, as an index of ``platforms`` of one builder.

    ``name`` is the reference without the registry, by which its resources are named; ``foreign``
    says that only a ``docker buildx`` on the machine drives the builder. The name of an image of
    wheels holds a hash of its arguments; a platform that compiles nothing has an empty one.
    """

    name: str
    platforms: tuple[str, ...]
    builder: str
    foreign: bool
    repository: str
    reference: str
    arguments: Mapping[str, str]


def wheels_of(
    entry: MatrixEntry,
    builder: str,
    found: Mapping[str, Contents],
    declaration: Declaration,
    lock: Lock,
) -> dict[str, Build]:
    """Return what ``builder`` compiles for ``entry``, by the argument that its digest goes into.

    ``found`` is what each of its platforms holds.
    """
    parts = {
        DEPENDENCIES: {platform: held.dependencies for platform, held in found.items()},
        PACKAGE: {platform: held.package for platform, held in found.items()},
    }
    made = {}
    for argument, own in parts.items():
        pins = {p: [pin for pin in own[p] if pin in held.compiled] for p, held in found.items()}
        if any(pins.values()):
            arguments = _arguments(entry, pins, found, lock)
            # Not where the compilers are pulled from: nothing is compiled again for another mirror.
            compiler = lock.builders[entry.builder_key].identity
            known = [list(found), builder, {**arguments, "BUILDER": compiler}]
            tag = f"py{entry.builder_key}-{digest_of(known)[_SHORT]}"
            repository = f"{declaration.registry}/{entry.image.name}/build"
            made[argument] = Build(
                name=f"{entry.image.name}/wheels:{tag}",
                platforms=tuple(found),
                builder=builder,
                foreign=declaration.is_foreign(builder),
                repository=repository,
                reference=f"{repository}:{TAGS}{tag}",
                arguments=arguments,
            )
    return made


def _arguments(
    entry: MatrixEntry, pins: Mapping[str, list[str]], found: Mapping[str, Contents], lock: Lock
) -> dict[str, str]:
    """Return those of the build that compiles ``pins`` by platform, and no others.

    ``COMPILED`` has a line ``<platforms> <name> @ <address>`` of each; ``BUILD_REQUIREMENTS`` one
    of each that builds, in their order: wheels first, then sources.
    """

    def source(pin: str, address: str) -> str:
        return f"{pin.partition('==')[0]} @ {address}"

    own = [platform for platform, compiled in pins.items() if compiled]
    compiled = grouped(((pin, found[p].sources[pin]), p) for p in own for pin in pins[p])
    backends = [(pin, p, found[p].sources.get(pin)) for p in own for pin in found[p].backends]
    wheels = grouped((found[p].wheels[pin], p) for pin, p, address in backends if not address)
    sources = grouped((source(pin, address), p) for pin, p, address in backends if address)
    return {
        "BUILDKIT_MULTI_PLATFORM": "1",
        "SOURCE_DATE_EPOCH": _EPOCH,
        "BUILDER": lock.builders[entry.builder_key].pinned,
        "COMPILED": lines((source(*what), where) for what, where in sorted(compiled.items())),
        "BUILD_REQUIREMENTS": lines((*wheels.items(), *sources.items())),
        **({"COMPILERS": _ALPINE_COMPILERS} if entry.base == "alpine" else {}),
    }
