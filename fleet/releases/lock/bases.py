"""Base images: which reference stands for each Python and variant, and its digests."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from fleet.console import TroubleError
from fleet.declaration import tags
from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import Image
from fleet.http.errors import UnreachableError
from fleet.lock.model import Base, Lock
from fleet.lock.official_bases import LIBRARY, PYTHON, is_official, place_of
from fleet.registry.client import Client
from fleet.registry.docker_hub import LIMIT_REMEDY, canonical
from fleet.registry.docker_hub import NAME as DOCKER_HUB
from fleet.registry.errors import LimitedError
from fleet.registry.login import NO_LOGINS, Logins
from fleet.registry.reference import TagReference
from fleet.registry.transport import Transport
from fleet.releases.sources import Digests, Refresh, Resolver, Sources

_CREATED: Final = "org.opencontainers.image.created"

T = TypeVar("T")

Wanted = Mapping[str, tuple[str, set[str]]]
"""By key in the lock, the name of a base, and the platforms to find in it."""


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


def wanted(images: Iterable[Image], stand_ins: Mapping[str, str]) -> tuple[Wanted, Wanted]:
    """Return the bases and builders that ``images`` need.

    An image that is built on another has that for its base, and a builder as any other. The builder
    of alpine is alpine, since what is compiled for glibc does not run on musl.
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


def compiling(
    python: str, images: tuple[Image, ...], held: Mapping[str, Base], sources: Sources
) -> Base:
    """Return what compiles for ``python`` and glibc on the platforms of ``images``.

    It is the one in ``held`` where that is of the same name and place, whatever became of that.
    """
    mirror, variants = sources.base_registry, sorted({b for image in images for b in image.bases})
    name = builder_reference(python, variants, sources.stand_ins)
    known = held.get(python)
    if known and known.comes_from(name, mirror):
        return known
    platforms = {p for image in images for p in image.platforms}
    return resolve(name, platforms, sources.platforms, base_registry=mirror)


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
        # What an index says of its parts is not in their digests: it may be told later.
        created=min((found.created.get(platform, "") for platform in asked), default=""),
    )


def locked_bases(
    images: Iterable[Image], lock: Lock, sources: Sources, refresh: Refresh
) -> tuple[dict[str, Base], dict[str, Base]]:
    """Return the bases and the builders of ``images``: those of ``lock`` where they serve.

    :raises BaseError: naming every one that is not where it was looked for, or the place of the
        official ones that can't be reached.
    """
    missing: dict[str, None] = {}  # what compiles is mostly a base as well
    needed, compilers = wanted(images, sources.stand_ins)
    found = _found(needed, lock.bases, sources, missing, again=refresh.bases)
    builders = _found(compilers, lock.builders, sources, missing, again=refresh.builders)
    if missing:
        names = {name for name, _ in (*needed.values(), *compilers.values())}
        raise BaseError(_missing(list(missing), len(names), sources.base_registry))
    return found, builders


def _found(
    needed: Wanted,
    known: Mapping[str, Base],
    sources: Sources,
    missing: dict[str, None],
    *,
    again: bool,
) -> dict[str, Base]:
    """Return the base of each key: the known one, if it serves and not ``again``.

    What is not there is added to ``missing``. The index of a stand-in is what its registry has now:
    nobody keeps another.
    """
    found: dict[str, Base] = {}
    mirror = sources.base_registry
    for key, (name, platforms) in needed.items():
        held = known.get(key)
        if held and held.comes_from(name, mirror) and not again and platforms <= {*held.platforms}:
            found[key] = held
            continue
        kept = None if name in sources.stand_ins.values() else held
        try:
            found[key] = resolve(name, platforms, sources.platforms, kept, mirror)
        except BaseError as error:
            missing[str(error)] = None
        except UnreachableError as error:
            if not is_official(name):
                raise
            raise BaseError(_unreachable(error, mirror)) from None
    return found


def _unreachable(error: UnreachableError, base_registry: str) -> str:
    """Return what to do where the official bases, or the mirror of them, can't be reached."""
    if not base_registry:
        return (
            f"fleet:images: {LIBRARY} can't be reached: {error}\nGive this machine access to it "
            "(proxies and certificates: docs/network.md), or declare a mirror that it can reach: "
            'fleet:base-registry (docs/declaration.md, "A mirror of the official bases").'
        )
    return (
        f"fleet:base-registry: {base_registry} can't be reached: {error}\nGive this machine access "
        "to it (proxies and certificates: docs/network.md), correct its address, or remove the "
        "key. Nothing stands in for a declared mirror."
    )


def _missing(missing: list[str], count: int, base_registry: str) -> str:
    """Return what to do about the ``missing`` ones of ``count`` base images."""
    listed = "".join(f"\n  - {what}" for what in missing)
    if not base_registry:
        remedy = "Correct the Pythons, bases or platforms"
        return f"fleet:images: base images are missing:{listed}\n{remedy}."
    return (
        f"fleet:base-registry: {len(missing)} of {count} base images are missing in "
        f"{base_registry}:{listed}\nCopy each there from {LIBRARY}, with all declared platforms "
        "(`skopeo copy --all`, `crane copy`; `docker push` copies one alone), or declare only "
        "Pythons, bases and platforms that the mirror has."
    )


def at_registries(ask: Callable[[Client], Awaitable[T]], logins: Logins) -> T:
    """Return what ``ask`` finds at registries.

    ``logins`` are the declared ones, which win over those of Docker's configuration.
    """

    async def found() -> T:
        async with Transport(logins=logins) as transport:
            return await ask(Client(transport))

    return asyncio.run(found())


def platform_digests(text: str, logins: Logins = NO_LOGINS) -> Digests:
    """Return the digests of the index that the reference ``text`` names, and of its platforms.

    :raises BaseError: when there is no such image, or it is not an index.
    :raises OciError: when the registry can't be asked.
    """
    reference = TagReference.parse(text)
    try:
        wanted = (reference.repository, reference.tag)
        manifest = at_registries(lambda client: client.get(*wanted), logins)
    except LimitedError as error:
        if canonical(reference.repository.host) != DOCKER_HUB:
            raise
        raise LimitedError(f"{text}: {error}. {LIMIT_REMEDY}") from None
    if manifest is None:
        raise BaseError(f"{text} is not there")
    if not manifest.is_index:
        seen = manifest.media_type or "no media type"
        raise BaseError(f"{text} is not an index of platforms ({seen})")
    children, created = manifest.children(text), _created(manifest.document(text))
    return Digests(
        index=manifest.digest,
        platforms={child.platform: child.digest for child in children},
        created={c.platform: created[c.digest] for c in children if c.digest in created},
    )


def _created(document: Mapping[str, Any]) -> dict[str, str]:
    """Return by digest the day of each part of an index that says it, in UTC.

    Official images do so by the annotation of the OCI specification; nothing is taken for a day
    that is none.
    """
    found = {}
    for entry in document.get("manifests") or ():
        noted = entry.get("annotations")
        text = noted.get(_CREATED) if isinstance(noted, dict) else None
        try:
            moment = datetime.fromisoformat(text) if isinstance(text, str) else None
        except ValueError:
            continue
        if moment and moment.tzinfo:
            found[entry["digest"]] = moment.astimezone(UTC).date().isoformat()
    return found
