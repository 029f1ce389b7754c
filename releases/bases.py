"""Base images: which reference stands for each Python and variant, and its digests."""

from collections.abc import Callable, Iterable, Mapping

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
    declared variant: what is declared there is pure Python.
    """
    made = [base for base in bases if f"{python}-{base}" in stand_ins]
    return "full" if not made or f"{python}-full" in stand_ins else made[0]


def wanted(
    images: Iterable[Image], stand_ins: Mapping[str, str]
) -> tuple[dict[str, tuple[str, set[str]]], dict[str, tuple[str, set[str]]]]:
    """Return the bases and builders that ``images`` need, by the lock's keys.

    Each is the reference to resolve, and the platforms to find in it.
    """
    bases: dict[str, tuple[str, set[str]]] = {}
    builders: dict[str, tuple[str, set[str]]] = {}
    for image in images:
        for python in image.pythons:
            for base in image.bases:
                found = bases.setdefault(
                    f"{python}-{base}", (reference(python, base, stand_ins), set())
                )
                found[1].update(image.platforms)
            compiles = reference(python, builder_base(python, image.bases, stand_ins), stand_ins)
            builders.setdefault(python, (compiles, set()))[1].update(image.platforms)
    return bases, builders


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
