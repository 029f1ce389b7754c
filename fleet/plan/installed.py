"""Which distributions a tag holds on a platform, and which of them it installs itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fleet.declaration import tags
from fleet.declaration.base_graph import parent_of
from fleet.declaration.distributions import normalised
from fleet.declaration.matrix import MatrixEntry
from fleet.declaration.model import Image
from fleet.lock.model import Lock, Tools, bare, holds, name_of

NO_TOOLS: Final = Tools(pins=(), compiled={})
"""Those of an image of which nothing is compiled."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The distributions of one tag on one platform, as ``name==version``.

    ``package`` is what the tag is named by, ``dependencies`` what is installed beside it, ``held``
    what the image below brought along. ``compiled`` are those of the first two that have no wheel
    here, ``backends`` are what builds them, which no image holds, and ``sources`` says where the
    sources of both are that have none.
    """

    package: tuple[str, ...]
    dependencies: tuple[str, ...]
    held: tuple[str, ...]
    compiled: tuple[str, ...]
    backends: tuple[str, ...]
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
    return Contents(
        package=tuple(pin for pin in own if name_of(pin) == named),
        dependencies=tuple(pin for pin in own if name_of(pin) != named),
        held=held,
        compiled=compiled,
        backends=backends,
        sources={p: tools.sources[p] for p in (*compiled, *backends) if p in without_wheel},
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
    matrix_entries = (
        MatrixEntry(image=image, python=python, base=base, version="") for base in image.bases
    )
    parents = (parent_of(entry, images, lock.yanked) for entry in matrix_entries)
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


def _version(pin: str) -> str:
    return bare(pin).partition("==")[2]
