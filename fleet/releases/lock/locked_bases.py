"""The bases of a lock: those that serve stay, and all that can't be had are named at once."""

from collections.abc import Iterable, Mapping

from fleet.declaration.model import Image
from fleet.http.errors import UnreachableError
from fleet.lock.model import Base, Lock
from fleet.lock.official_bases import LIBRARY, place_of
from fleet.releases.lock import bases
from fleet.releases.lock.bases import BaseError
from fleet.releases.sources import Refresh, Sources

Wanted = Mapping[str, tuple[str, set[str]]]
"""By key in the lock, the name of a base, and the platforms to find in it."""


def locked_bases(
    images: Iterable[Image], lock: Lock, sources: Sources, refresh: Refresh
) -> tuple[dict[str, Base], dict[str, Base]]:
    """Return the bases and the builders of ``images``: those of ``lock`` where they serve.

    :raises BaseError: naming every one that is not where it was looked for, or the mirror of the
        official ones that can't be reached.
    """
    wanted, compiling = bases.wanted(images, sources.stand_ins)
    # What compiles is mostly a base as well.
    missing: dict[str, None] = {}
    found = _found(wanted, lock.bases, sources, missing, again=refresh.bases)
    builders = _found(compiling, lock.builders, sources, missing, again=refresh.builders)
    if missing:
        names = {name for name, _ in (*wanted.values(), *compiling.values())}
        raise BaseError(_missing(list(missing), len(names), sources.base_registry))
    return found, builders


def _found(
    wanted: Wanted,
    known: Mapping[str, Base],
    sources: Sources,
    missing: dict[str, None],
    *,
    again: bool,
) -> dict[str, Base]:
    """Return the base of each key in ``wanted``: the known one, if it serves and not ``again``.

    What is not there is noted in ``missing``. The index of a stand-in is what its registry has now:
    nobody keeps another.
    """
    found: dict[str, Base] = {}
    made_here = set(sources.stand_ins.values())
    for key, (name, platforms) in wanted.items():
        held = known.get(key)
        serves = held and held.comes_from(name, sources.base_registry)
        if held and serves and not again and platforms <= held.platforms.keys():
            found[key] = held
            continue
        kept = None if name in made_here else held
        try:
            found[key] = bases.resolve(
                name, platforms, sources.platforms, kept, sources.base_registry
            )
        except BaseError as error:
            missing[str(error)] = None
        except UnreachableError as error:
            if place_of(name, sources.base_registry) == name:
                raise
            raise BaseError(_unreachable(sources.base_registry, error)) from None
    return found


def _missing(missing: list[str], count: int, base_registry: str) -> str:
    """Return what to do about the ``missing`` ones of ``count`` base images."""
    listed = "".join(f"\n  - {what}" for what in missing)
    if not base_registry:
        remedy = "Correct the Pythons, bases or platforms"
        return f"fleet:images: base images are missing:{listed}\n{remedy}."
    return (
        f"fleet:base-registry: {len(missing)} of {count} base images are missing in "
        f"{base_registry}:{listed}\nCopy each there from {LIBRARY}, with all declared platforms "
        "(`skopeo copy --all`, `crane copy`), or declare only Pythons, bases and platforms that "
        "the mirror has."
    )


def _unreachable(base_registry: str, error: UnreachableError) -> str:
    return (
        f"fleet:base-registry: {base_registry} can't be reached: {error}\nGive this machine access "
        "to it (proxies and certificates: docs/network.md), correct its address, or remove the "
        "key. Nothing stands in for a declared mirror."
    )
