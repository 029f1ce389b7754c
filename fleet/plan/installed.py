"""What a tag holds on a platform and installs itself, and where a lock has no file of that."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final

from fleet.declaration import tags
from fleet.declaration.base_graph import parent_of
from fleet.declaration.distributions import normalised
from fleet.declaration.matrix import MatrixEntry, matrix_entries
from fleet.declaration.model import Image
from fleet.lock.model import Lock, Needs, Tools, bare, holds, name_of

NO_TOOLS: Final = Tools(pins=(), compiled={})
"""Those of an image of which nothing is compiled."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The distributions of one tag on one platform, as ``name==version``.

    ``package`` is what the tag is named by, ``dependencies`` what is installed beside it, ``held``
    what the image below brought along. ``compiled`` are those of the first two that have no wheel
    here, ``backends`` what builds them, which no image holds. ``wheels`` are addresses of what is
    not ``held`` and is in the lock, ``sources`` those of what has no wheel.
    """

    package: tuple[str, ...]
    dependencies: tuple[str, ...]
    held: tuple[str, ...]
    compiled: tuple[str, ...]
    backends: tuple[str, ...]
    wheels: Mapping[str, str]
    sources: Mapping[str, str]

    @property
    def everything(self) -> tuple[str, ...]:
        """All that is there in the end, sorted."""
        return tuple(sorted({*self.package, *self.dependencies, *self.held}))


def contents(
    entry: MatrixEntry, platform: str, images: Mapping[str, Image], lock: Lock
) -> Contents:
    """Return what the tag of ``entry`` holds on ``platform``."""
    held = held_on(entry, platform, images, lock)
    lacking = entry.image.lacking(platform, entry.base)
    pins = [pin for pin in lock.pins_on(entry.pin_key, platform) if name_of(pin) not in lacking]
    own = [pin for pin in pins if pin not in held]
    named = normalised(entry.image.package)
    tools = lock.tools.get((entry.image.name, entry.python), NO_TOOLS)
    target = target_of(platform, entry.base)
    without_wheel = tools.compiled.get(target, ())
    compiled = tuple(pin for pin in own if pin in without_wheel)
    backends = backends_on(tools, entry.python, target) if compiled else ()
    found = {pin: lock.wheel(pin, entry.python, target) for pin in (*own, *backends)}
    return Contents(
        package=tuple(pin for pin in own if name_of(pin) == named),
        dependencies=tuple(pin for pin in own if name_of(pin) != named),
        held=held,
        compiled=compiled,
        backends=backends,
        wheels={p: file for p, file in found.items() if file and p not in without_wheel},
        sources={p: tools.sources[p] for p in found if p in without_wheel},
    )


def backends_on(tools: Tools, python: str, target: str) -> tuple[str, ...]:
    """Return the pins of ``tools`` that ``{platform} {libc}`` gets, in their order."""
    platform = target.rpartition(" ")[0]
    return tuple(bare(pin) for pin in tools.pins if holds(pin, python, platform))


def held_on(
    entry: MatrixEntry, platform: str, images: Mapping[str, Image], lock: Lock
) -> tuple[str, ...]:
    """Return what the images below ``entry`` brought along on ``platform``."""
    below = parent_of(entry, images, lock.yanked)
    return contents(below, platform, images, lock).everything if below else ()


def constraints(
    image: Image, python: str, images: Mapping[str, Image], lock: Lock
) -> tuple[str, ...]:
    """Return the pins, markers included, that ``image`` must not contradict on ``python``.

    They are those of the image below it, which every base has at the same version
    (:func:`fleet.declaration.base_graph.note_orphans`); none where its pins are not locked yet.
    """
    entries = (MatrixEntry(image=image, python=python, base=b, version="") for b in image.bases)
    parents = (parent_of(entry, images, lock.yanked) for entry in entries)
    below = next((parent for parent in parents if parent), None)
    if below is None:
        return ()
    own = lock.pins.get(below.pin_key, ())
    return tuple(sorted({*own, *constraints(below.image, python, images, lock)}))


def contradicted(pins: tuple[str, ...], below: tuple[str, ...]) -> list[str]:
    """Return those of ``pins`` that hold another version of a distribution than ``below``.

    Where markers give platforms different versions, each of them will do.
    """
    held: dict[str, set[str]] = {}
    for pin in below:
        held.setdefault(name_of(pin), set()).add(_version(pin))
    return [pin for pin in pins if _version(pin) not in held.get(name_of(pin), {_version(pin)})]


def target_of(platform: str, base: str) -> str:
    """Return ``{platform} {libc}``: what is compiled for one does not run on another."""
    return f"{platform} {tags.libc(base)}"


def needs_of(image: Image, python: str, images: Mapping[str, Image], lock: Lock) -> Needs:
    """Return what all versions of ``image`` on ``python`` install, by where they do.

    The pins of the image and of those below it have to be in ``lock`` (:func:`has_all_pins`).
    """
    found: dict[str, set[str]] = {}
    for entry, platform in product(_alike(image, python), image.platforms):
        held = contents(entry, platform, images, lock)
        own = found.setdefault(target_of(platform, entry.base), set())
        own.update((*held.package, *held.dependencies))
    return {target: tuple(sorted(pins)) for target, pins in sorted(found.items())}


def unfound(image: Image, python: str, images: Mapping[str, Image], lock: Lock) -> Needs:
    """Return what ``lock`` has neither a wheel nor a source of, by target; backends included."""
    found: dict[str, set[str]] = {}
    for entry, platform in product(_alike(image, python), image.platforms):
        held = contents(entry, platform, images, lock)
        wanted = {*held.package, *held.dependencies, *held.backends}
        lacking = wanted - held.wheels.keys() - held.sources.keys()
        found.setdefault(target_of(platform, entry.base), set()).update(lacking)
    return {target: tuple(sorted(pins)) for target, pins in sorted(found.items()) if pins}


def has_all_pins(image: Image, python: str, images: Mapping[str, Image], lock: Lock) -> bool:
    """Tell whether ``lock`` has the pins of every tag of ``image`` on ``python``, and below it."""
    entries = list(_alike(image, python))
    while entries:
        if any(entry.pin_key not in lock.pins for entry in entries):
            return False
        parents = (parent_of(entry, images, lock.yanked) for entry in entries)
        entries = [parent for parent in parents if parent]
    return True


def _alike(image: Image, python: str) -> tuple[MatrixEntry, ...]:
    """Return a tag of each version, C library and what is left out: slim is mostly as full is."""
    lacks = {base: tuple(image.lacking(p, base) for p in image.platforms) for base in image.bases}
    entries = (entry for entry in matrix_entries(image) if entry.python == python)
    return tuple({(e.version, tags.libc(e.base), lacks[e.base]): e for e in entries}.values())


def _version(pin: str) -> str:
    return bare(pin).partition("==")[2]
