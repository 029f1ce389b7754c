"""Base images: which reference stands for each Python and variant, and its digests."""

from collections.abc import Callable, Iterable, Mapping

from fleet import names
from fleet.cell import Cell, cells
from fleet.declaration import Image
from fleet.lock import Base

OFFICIAL = "docker.io/library/python"
"""The official Python images; a full one has no suffix."""

Resolver = Callable[[str], Mapping[str, str]]
"""Takes ``host/repository:tag``; returns the digest of each platform's manifest."""


class BaseError(Exception):
    """A base image lacks, or lacks a platform that an image is declared for."""


def reference(python: str, base: str, stand_ins: Mapping[str, str]) -> str:
    """Return what is pulled for ``python`` and ``base``: a stand-in of this machine, or official.

    ``stand_ins`` maps ``{python}-{base}`` to ``host/repository:tag``.
    """
    official = f"{OFFICIAL}:{python}" if base == "full" else f"{OFFICIAL}:{python}-{base}"
    return stand_ins.get(f"{python}-{base}", official)


def builder_base(python: str, bases: Iterable[str], stand_ins: Mapping[str, str]) -> str:
    """Return the variant that compiles for ``python``: the full one, for it has compilers.

    Where stand-ins serve and no full one was made (nothing declared needs it), it is the first
    declared variant: what is declared there is pure Python. For alpine it is always alpine, since
    what is compiled for glibc does not run on musl.
    """
    made = [base for base in bases if f"{python}-{base}" in stand_ins]
    return "full" if not made or f"{python}-full" in stand_ins else made[0]


def wanted(
    images: Iterable[Image], stand_ins: Mapping[str, str]
) -> tuple[dict[str, tuple[str, set[str]]], dict[str, tuple[str, set[str]]]]:
    """Return the bases and builders that ``images`` need, by the lock's keys.

    Each is the reference to resolve, and the platforms to find in it. An image that is built on
    another has that for its base, and a builder as any other.
    """
    bases: dict[str, tuple[str, set[str]]] = {}
    builders: dict[str, tuple[str, set[str]]] = {}
    for cell in (cell for image in images for cell in cells(image)):
        platforms = cell.image.platforms
        if not cell.image.builds_on:
            named = reference(cell.python, cell.base, stand_ins)
            bases.setdefault(cell.base_key, (named, set()))[1].update(platforms)
        compiling = _builder(cell, stand_ins)
        builders.setdefault(cell.builder_key, (compiling, set()))[1].update(platforms)
    return bases, builders


def _builder(cell: Cell, stand_ins: Mapping[str, str]) -> str:
    declared = [base for base in cell.image.bases if names.libc(base) == "glibc"]
    alpine = names.libc(cell.base) == "musl"
    variant = cell.base if alpine else builder_base(cell.python, declared, stand_ins)
    return reference(cell.python, variant, stand_ins)


def compiling(
    python: str,
    images: Iterable[Image],
    stand_ins: Mapping[str, str],
    held: Mapping[str, Base],
    resolver: Resolver,
) -> Base:
    """Return what compiles for ``python`` and glibc on the platforms of ``images``.

    It is the one in ``held`` where that is of the same name, whatever became of that.
    """
    declared = tuple(images)
    variants = sorted({base for image in declared for base in image.bases})
    glibc = [base for base in variants if names.libc(base) == "glibc"]
    name = reference(python, builder_base(python, glibc, stand_ins), stand_ins)
    known = held.get(python)
    if known and known.name == name:
        return known
    return resolve(name, {p for image in declared for p in image.platforms}, resolver)


def resolve(name: str, platforms: Iterable[str], resolver: Resolver) -> Base:
    """Return the base ``name`` with the digests that ``resolver`` finds for ``platforms``.

    :raises BaseError: naming the platforms that it has no image for.
    """
    digests = resolver(name)
    lacking = sorted(platform for platform in platforms if platform not in digests)
    if lacking:
        raise BaseError(f"{name} has no image for {', '.join(lacking)}")
    repository = name[: name.rindex(":")]
    return Base(
        name=name, repository=repository, platforms={p: digests[p] for p in sorted(platforms)}
    )
