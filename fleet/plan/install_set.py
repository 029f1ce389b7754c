"""What an image installs where: a lock has a wheel of each there, or says that it is compiled."""

from collections.abc import Mapping

from fleet.declaration import tags as names
from fleet.declaration.base_graph import parent_of
from fleet.declaration.matrix import MatrixEntry, matrix_entries
from fleet.declaration.model import Image
from fleet.lock.model import Lock, Needs
from fleet.plan.installed import NO_TOOLS, backends_on, contents, target_of


def needs_of(image: Image, python: str, images: Mapping[str, Image], lock: Lock) -> Needs:
    """Return what all versions of ``image`` on ``python`` install, by where they do.

    The pins of the image and of those below it have to be in ``lock`` (:func:`has_all_pins`).
    """
    found: dict[str, set[str]] = {}
    for entry in _alike(image, python):
        for platform in image.platforms:
            held = contents(entry, platform, images, lock)
            own = found.setdefault(target_of(platform, entry.base), set())
            own.update((*held.package, *held.dependencies))
    return {target: tuple(sorted(pins)) for target, pins in sorted(found.items())}


def unfound(image: Image, python: str, images: Mapping[str, Image], lock: Lock) -> Needs:
    """Return those of the needs that ``lock`` has neither a wheel nor a source of, by target.

    The same is asked of what compiles them, where something is compiled.
    """
    tools = lock.tools.get((image.name, python), NO_TOOLS)
    found: dict[str, tuple[str, ...]] = {}
    for target, pins in needs_of(image, python, images, lock).items():
        compiled = tools.compiled.get(target, ())
        wanted = (*pins, *backends_on(tools, python, target)) if compiled else pins
        lacking = tuple(
            pin for pin in wanted if pin not in compiled and not lock.wheel(pin, python, target)
        )
        if lacking:
            found[target] = lacking
    return found


def has_all_pins(image: Image, python: str, images: Mapping[str, Image], lock: Lock) -> bool:
    """Tell whether ``lock`` has the pins of every tag of ``image`` on ``python``, and below it."""
    tags = list(_alike(image, python))
    while tags:
        if any(tag.pin_key not in lock.pins for tag in tags):
            return False
        parents = (parent_of(tag, images, lock.yanked) for tag in tags)
        tags = [parent for parent in parents if parent]
    return True


def _alike(image: Image, python: str) -> tuple[MatrixEntry, ...]:
    """Return a tag of each version, C library and what is left out: slim is mostly as full is."""
    lacks = {base: tuple(image.lacking(p, base) for p in image.platforms) for base in image.bases}
    tags = (entry for entry in matrix_entries(image) if entry.python == python)
    found = {(c.version, names.libc(c.base), lacks[c.base]): c for c in tags}
    return tuple(found.values())
