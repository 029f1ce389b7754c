"""Base images: which reference stands for each Python and variant, and its digests."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from fleet.console import TroubleError
from fleet.declaration import tags
from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import Image
from fleet.http.text import one_line
from fleet.lock.model import Base
from fleet.lock.official_bases import PYTHON, place_of
from fleet.registry.client import Client
from fleet.registry.docker_hub import LIMIT_REMEDY, canonical
from fleet.registry.docker_hub import NAME as DOCKER_HUB
from fleet.registry.errors import LimitedError, RegistryError
from fleet.registry.login import NO_LOGINS, Logins
from fleet.registry.manifest import INDEXES, children_of, document_of
from fleet.registry.reference import TagReference
from fleet.registry.transport import Transport


@dataclass(frozen=True, kw_only=True)
class Digests:
    """The digest of an ``index``, and by platform that of each manifest in it."""

    index: str
    platforms: Mapping[str, str]


Resolver = Callable[[str], Digests]
"""Takes ``host/repository:tag``."""


class BaseError(TroubleError):
    """A base image is missing, or has no image for a declared platform."""


def reference(python: str, base: str, stand_ins: Mapping[str, str]) -> str:
    """Return what ``python`` and ``base`` are based on: a stand-in of this machine, or official.

    ``stand_ins`` maps ``{python}-{base}`` to ``host/repository:tag``.
    """
    official = f"{PYTHON}:{python}" if base == "full" else f"{PYTHON}:{python}-{base}"
    return stand_ins.get(f"{python}-{base}", official)


def builder_reference(python: str, bases: Iterable[str], stand_ins: Mapping[str, str]) -> str:
    """Return what compiles for ``python`` and glibc: the full variant, for it has compilers.

    Where stand-ins serve and no full one was made (nothing is known to be compiled), it is the
    first of ``bases`` that was, in which wheels are installed as well.
    """
    glibc = (base for base in bases if tags.libc(base) == "glibc")
    made = [base for base in glibc if f"{python}-{base}" in stand_ins]
    variant = "full" if not made or f"{python}-full" in stand_ins else made[0]
    return reference(python, variant, stand_ins)


def wanted(
    images: Iterable[Image], stand_ins: Mapping[str, str]
) -> tuple[dict[str, tuple[str, set[str]]], dict[str, tuple[str, set[str]]]]:
    """Return the bases and builders that ``images`` need, by the lock's keys.

    Each is the reference to resolve, and the platforms to find in it. An image that is built on
    another has that for its base, and a builder as any other. The builder of alpine is alpine,
    since what is compiled for glibc does not run on musl.
    """
    bases: dict[str, tuple[str, set[str]]] = {}
    builders: dict[str, tuple[str, set[str]]] = {}
    for entry in (entry for image in images for entry in matrix_entries(image)):
        python, image = entry.python, entry.image
        own = reference(python, entry.base, stand_ins)
        if not image.builds_on:
            bases.setdefault(entry.base_key, (own, set()))[1].update(image.platforms)
        is_alpine = tags.libc(entry.base) == "musl"
        compiles = own if is_alpine else builder_reference(python, image.bases, stand_ins)
        builders.setdefault(entry.builder_key, (compiles, set()))[1].update(image.platforms)
    return bases, builders


def compiling(  # noqa: PLR0913, PLR0917 - what `wanted` and `resolve` take
    python: str,
    images: tuple[Image, ...],
    stand_ins: Mapping[str, str],
    held: Mapping[str, Base],
    resolver: Resolver,
    base_registry: str = "",
) -> Base:
    """Return what compiles for ``python`` and glibc on the platforms of ``images``.

    It is the one in ``held`` where that is of the same name and place, whatever became of that.
    """
    variants = sorted({base for image in images for base in image.bases})
    name = builder_reference(python, variants, stand_ins)
    known = held.get(python)
    if known and known.comes_from(name, base_registry):
        return known
    platforms = {p for image in images for p in image.platforms}
    return resolve(name, platforms, resolver, base_registry=base_registry)


def resolve(
    name: str,
    platforms: Iterable[str],
    resolver: Resolver,
    held: Base | None = None,
    base_registry: str = "",
) -> Base:
    """Return the base ``name`` with the digests that ``resolver`` finds for ``platforms``.

    It is asked for in ``base_registry``, where that mirrors it. The index that is ``held`` stays as
    long as all of these are the same in it: what moved is of a platform that nothing here is built
    for. That of another place may not be in this one.

    :raises BaseError: naming the platforms that it has no image for.
    """
    place = place_of(name, base_registry)
    found, asked = resolver(place), sorted(platforms)
    lacking = [platform for platform in asked if platform not in found.platforms]
    if lacking:
        raise BaseError(f"{place} has no image for {', '.join(lacking)}")
    digests = {platform: found.platforms[platform] for platform in asked}
    same = held and held.comes_from(name, base_registry)
    stays = held and same and digests.items() <= held.platforms.items()
    return Base(
        name=name,
        repository=place.rpartition(":")[0],
        digest=held.digest if held and stays else found.index,
        platforms=digests,
    )


def platform_digests(reference: str, logins: Logins = NO_LOGINS) -> Digests:
    """Return the digests of the index that ``reference`` names, and of each platform's image.

    ``logins`` are the declared ones, which win over those of Docker's configuration.

    :raises BaseError: when there is no such image.
    :raises OciError: when the registry can't be asked, or it is not an index.
    """
    return asyncio.run(_platform_digests(reference, logins))


async def _platform_digests(text: str, logins: Logins) -> Digests:
    reference = TagReference.parse(text)
    transport = Transport(logins=logins)
    try:
        manifest = await Client(transport).get(reference.repository, reference.tag)
    except LimitedError as error:
        if canonical(reference.repository.host) != DOCKER_HUB:
            raise
        raise LimitedError(f"{text}: {error}. {LIMIT_REMEDY}") from None
    finally:
        await transport.close()
    if manifest is None:
        raise BaseError(f"{text} is not there")
    if manifest.media_type not in INDEXES:
        found = one_line(manifest.media_type)
        raise RegistryError(f"{text} is not an index of platforms but a {found}")
    children = children_of(document_of(manifest, text), text)
    return Digests(
        index=manifest.digest, platforms={child.platform: child.digest for child in children}
    )
