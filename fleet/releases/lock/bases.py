"""Base images: which reference stands for each Python and variant, and its digests."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from fleet.console import TroubleError
from fleet.declaration import tags
from fleet.declaration.matrix import MatrixEntry, matrix_entries
from fleet.declaration.model import Image
from fleet.lock.model import Base

OFFICIAL = "docker.io/library/python"
"""The official Python images; a full one has no suffix."""


@dataclass(frozen=True, kw_only=True)
class Digests:
    """The digest of an ``index``, and by platform that of each manifest in it."""

    index: str
    platforms: Mapping[str, str]


Resolver = Callable[[str], Digests]
"""Takes ``host/repository:tag``."""


class BaseError(TroubleError):
    """A base image lacks, or lacks a platform that an image is declared for."""


def reference(python: str, base: str, stand_ins: Mapping[str, str]) -> str:
    """Return what is pulled for ``python`` and ``base``: a stand-in of this machine, or official.

    ``stand_ins`` maps ``{python}-{base}`` to ``host/repository:tag``.
    """
    official = f"{OFFICIAL}:{python}" if base == "full" else f"{OFFICIAL}:{python}-{base}"
    return stand_ins.get(f"{python}-{base}", official)


def builder_base(python: str, bases: Iterable[str], stand_ins: Mapping[str, str]) -> str:
    """Return the variant that compiles for ``python``: the full one, for it has compilers.

    Where stand-ins serve and no full one was made (nothing is known to be compiled), it is the
    first declared variant, in which wheels are installed as well. For alpine it is always alpine,
    since what is compiled for glibc does not run on musl.
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
    for entry in (entry for image in images for entry in matrix_entries(image)):
        platforms = entry.image.platforms
        if not entry.image.builds_on:
            named = reference(entry.python, entry.base, stand_ins)
            bases.setdefault(entry.base_key, (named, set()))[1].update(platforms)
        compiling = _builder(entry, stand_ins)
        builders.setdefault(entry.builder_key, (compiling, set()))[1].update(platforms)
    return bases, builders


def _builder(entry: MatrixEntry, stand_ins: Mapping[str, str]) -> str:
    declared = [base for base in entry.image.bases if tags.libc(base) == "glibc"]
    alpine = tags.libc(entry.base) == "musl"
    variant = entry.base if alpine else builder_base(entry.python, declared, stand_ins)
    return reference(entry.python, variant, stand_ins)


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
    glibc = [base for base in variants if tags.libc(base) == "glibc"]
    name = reference(python, builder_base(python, glibc, stand_ins), stand_ins)
    known = held.get(python)
    if known and known.name == name:
        return known
    return resolve(name, {p for image in declared for p in image.platforms}, resolver)


def resolve(
    name: str, platforms: Iterable[str], resolver: Resolver, held: Base | None = None
) -> Base:
    """Return the base ``name`` with the digests that ``resolver`` finds for ``platforms``.

    The index that is ``held`` stays as long as all of these are the same in it: what moved is of a
    platform that nothing here is built for.

    :raises BaseError: naming the platforms that it has no image for.
    """
    found, repository, asked = resolver(name), name[: name.rindex(":")], sorted(platforms)
    lacking = [platform for platform in asked if platform not in found.platforms]
    if lacking:
        raise BaseError(f"{name} has no image for {', '.join(lacking)}")
    digests = {platform: found.platforms[platform] for platform in asked}
    stays = (
        held is not None
        and (held.name, held.repository) == (name, repository)
        and digests.items() <= held.platforms.items()
    )
    index = held.digest if held and stays else found.index
    return Base(name=name, repository=repository, digest=index, platforms=digests)
