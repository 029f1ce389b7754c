"""Bringing a lock up to a declaration: what is missing is resolved, the rest stays as it was."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from fleet.declaration import Declaration, Image
from fleet.lock import Base, Lock, PinKey, asked
from releases import bases
from releases.requirements import Resolution

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The outside, as functions, so that tests can stand in for it.

    ``distributions(wanted, python)`` resolves requirements; ``yanked(package)`` names withdrawn
    versions; ``platforms(reference)`` gives a base's digest by platform; ``stand_ins`` maps
    ``{python}-{base}`` to a reference on this machine; ``say`` shows progress.
    """

    distributions: Callable[[list[str], str], Resolution]
    yanked: Callable[[str], tuple[str, ...]]
    platforms: bases.Resolver
    stand_ins: Mapping[str, str]
    say: Say


@dataclass(frozen=True, kw_only=True)
class Refresh:
    """What is asked for again although the lock holds it.

    Builders are apart from bases: what was compiled is copied, not made again, when a base moves.
    """

    bases: bool = False
    builders: bool = False
    yanked: bool = False


def completed(lock: Lock, declaration: Declaration, sources: Sources, refresh: Refresh) -> Lock:
    """Return ``lock`` with everything that ``declaration`` needs, and nothing else.

    What it already holds stays, so that the same declaration builds the same images, but for what
    ``refresh`` names.
    """
    pins, hashes = _pins(lock, declaration.images, sources)
    wanted, compiling = bases.wanted(declaration.images, sources.stand_ins)
    return Lock(
        bases=_bases(wanted, {} if refresh.bases else lock.bases, sources),
        builders=_bases(compiling, {} if refresh.builders else lock.builders, sources),
        asked={image.name: asked(image) for image in declaration.images},
        pins=pins,
        hashes={pin: hashes[pin] for pin in sorted({p for entry in pins.values() for p in entry})},
        yanked=_yanked(
            lock, declaration.images, sources, again=refresh.yanked or pins != dict(lock.pins)
        ),
    )


def _pins(
    lock: Lock, images: Iterable[Image], sources: Sources
) -> tuple[dict[PinKey, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    pins: dict[PinKey, tuple[str, ...]] = {}
    hashes = dict(lock.hashes)
    for image in images:
        for python in image.pythons:
            for version in image.versions:
                key = (image.name, python, version)
                if lock.has_pins(image, python, version):
                    pins[key] = lock.pins[key]
                    continue
                sources.say(f"resolving {image.requirement}=={version} for Python {python}")
                wanted = [f"{image.requirement}=={version}", *image.requires]
                found = sources.distributions(wanted, python)
                pins[key] = found.pins
                hashes.update(found.hashes)
    return pins, hashes


def _bases(
    wanted: Mapping[str, tuple[str, set[str]]], known: Mapping[str, Base], sources: Sources
) -> dict[str, Base]:
    found: dict[str, Base] = {}
    for key, (name, platforms) in wanted.items():
        held = known.get(key)
        if held is not None and held.name == name and platforms <= held.platforms.keys():
            found[key] = held
        else:
            found[key] = bases.resolve(name, platforms, sources.platforms)
    return found


def _yanked(
    lock: Lock, images: Iterable[Image], sources: Sources, *, again: bool
) -> dict[str, tuple[str, ...]]:
    packages = sorted({image.package for image in images})
    if not again and all(package in lock.yanked for package in packages):
        return {package: lock.yanked[package] for package in packages}
    return {package: sources.yanked(package) for package in packages}
