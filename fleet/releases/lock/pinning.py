"""Pins: what each image holds on each Python, resolved where the lock does not say it yet."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from fleet.declaration import versions
from fleet.declaration.base_graph import in_order
from fleet.declaration.matrix import PinKey, matrix_entries
from fleet.declaration.model import Image
from fleet.lock.model import Lock, bare, name_of
from fleet.plan.installed import constraints, contradicted
from fleet.releases.lock.requirements import (
    ExtraError,
    NoWheelError,
    Resolution,
    ResolutionError,
    Wanted,
)
from fleet.releases.lock.yanked import has_to_move, without_yanked
from fleet.releases.sources import Refresh, Sources


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """Pins by image, Python and version; ``resolved`` are the keys that were not held.

    ``hashes`` are those of each ``name==version`` that was resolved.
    """

    pins: dict[PinKey, tuple[str, ...]] = field(default_factory=dict)
    hashes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    resolved: list[PinKey] = field(default_factory=list)


def keys(image: Image) -> Iterator[tuple[str, str]]:
    """Yield each Python and version of which ``image`` has a tag; bases share their pins."""
    yield from dict.fromkeys((entry.python, entry.version) for entry in matrix_entries(image))


def pinned(
    lock: Lock,
    images: Iterable[Image],
    yanked: Mapping[str, tuple[str, ...]],
    sources: Sources,
    refresh: Refresh,
) -> Pinned:
    """Return the pins of all ``images``: those in ``lock`` where they hold still, else the newest.

    An image is resolved after the one it is built on, and agrees with it. No cooldown holds back
    what the lock holds, also of an image that ``refresh`` names.

    :raises ResolutionError: naming the image, Python and version, and whose pins were in the way.
    """
    known = {image.name: image for image in images}
    held = without(lock, refresh.newest)
    made = Pinned()
    for image in in_order(known.values()):
        for python, version in keys(image):
            so_far = Lock(pins=made.pins, yanked=yanked)
            below = constraints(image, python, known, so_far)
            key = (image.name, python, version)
            holds = held.has_pins(image, python, version)
            if holds and not contradicted(held.pins[key], below):
                moves = refresh.yanked and has_to_move(held.pins[key], image, below, sources)
                if not moves:
                    made.pins[key] = held.pins[key]
                    continue
            sources.say(f"resolving {image.requirement}=={version} for Python {python}")
            wanted = _wanted(image, python, version, held)
            near = without_yanked(wanted.near, sources)
            wanted = replace(
                wanted,
                within=within(below),
                near=near,
                allowed=held_for(image, python, lock),
                from_source=from_source(image, known),
            )
            answer = resolved(image, wanted, sources)
            made.pins[key] = answer.pins
            made.resolved.append(key)
            made.hashes.update(answer.hashes)
    return made


def _wanted(image: Image, python: str, version: str, held: Lock) -> Wanted:
    """Return what is to be resolved, near to what the highest version that is held has there.

    So a new release brings itself along, and shares the rest with those before it.
    """
    there = [v for name, p, v in held.pins if (name, p) == (image.name, python)]
    nearest = version if version in there else versions.highest(there) if there else ""
    near = held.pins[(image.name, python, nearest)] if there else ()
    wanted = (f"{image.requirement}=={version}", *image.requires)
    return Wanted(requirements=wanted, python=python, near=near)


def without(lock: Lock, images: frozenset[str]) -> Lock:
    """Return ``lock`` without what was resolved for ``images`` alone, files included."""
    pins = {key: entry for key, entry in lock.pins.items() if key[0] not in images}
    tools = {key: entry for key, entry in lock.tools.items() if key[0] not in images}
    entries = (*pins.values(), *(entry.pins for entry in tools.values()), (lock.installer,))
    used = {bare(pin) for entry in entries for pin in entry}
    files = {pin: found for pin, found in lock.files.items() if pin in used}
    return replace(lock, pins=pins, tools=tools, files=files)


def held_for(image: Image, python: str, lock: Lock) -> tuple[str, ...]:
    """Return the pins of all versions of ``image`` on ``python`` in ``lock``."""
    keys = (key for key in lock.pins if key[:2] == (image.name, python))
    return tuple(sorted({pin for key in keys for pin in lock.pins[key]}))


def from_source(image: Image, images: Mapping[str, Image]) -> tuple[str, ...]:
    """Return the distributions that need no wheel, for ``image`` or what it is built on."""
    below = images.get(image.builds_on)
    return (*image.from_source, *(from_source(below, images) if below else ()))


def within(below: Iterable[str]) -> tuple[str, ...]:
    """Return ``below`` as constraints, which bind every platform where there is but one version."""
    pins = tuple(below)
    count = Counter(map(name_of, pins))
    return tuple(bare(pin) if count[name_of(pin)] == 1 else pin for pin in pins)


def resolved(image: Image, wanted: Wanted, sources: Sources) -> Resolution:
    """Return what ``sources`` find for ``wanted``.

    :raises ResolutionError: naming ``image``, and whose pins were in the way.
    """
    try:
        return sources.distributions(wanted)
    except ResolutionError as error:
        raise ResolutionError(_explained(error, image, wanted)) from None


def _explained(error: ResolutionError, image: Image, wanted: Wanted) -> str:
    asked = ", ".join(wanted.requirements)
    text = f"{image.name}: {asked} on Python {wanted.python}: {error}."
    if isinstance(error, NoWheelError):
        return f"{text}{_wheelless(error, image)}"
    if not wanted.within or isinstance(error, ExtraError):
        return text
    return (
        f"{text} It is built on {image.builds_on} and has to agree with what that holds: "
        f"{', '.join(wanted.within)}. Exclude the version on that Python, declare another version "
        f"of {image.builds_on}, or resolve both anew: `make lock STACK=… NEWEST={image.builds_on}`"
    )


def _wheelless(error: NoWheelError, image: Image) -> str:
    names = ", ".join(error.names)
    if not names:
        return ""
    return (
        f" The index has no wheel of {names}. What a source distribution requires can take code of "
        "its own to find out. To have that read, in a builder where it has to run, and to have it "
        f"compiled there, write `from-source: [{names}]` in fleet:images.{image.name}; or leave "
        "out the version that needs it"
    )
