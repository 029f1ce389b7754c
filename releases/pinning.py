"""Pins: what each image holds on each Python, resolved where the lock does not say it yet."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from fleet import versions
from fleet.ancestry import in_order
from fleet.cell import cells
from fleet.contents import constraints, contradicted
from fleet.declaration import Image
from fleet.lock import Lock, PinKey, bare, name_of
from releases.requirements import ExtraError, Resolution, ResolutionError, Wanted
from releases.sources import Sources
from releases.withdrawn import has_to_move, without_yanked

Hashes = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """Pins by image, Python and version, and the hashes of each ``name==version``."""

    pins: dict[PinKey, tuple[str, ...]] = field(default_factory=dict)
    hashes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, hashes: Hashes) -> None:
        """Add ``hashes`` of pins that have none: those that are locked are arguments of builds."""
        self.hashes.update({pin: found for pin, found in hashes.items() if pin not in self.hashes})


def keys(image: Image) -> Iterator[tuple[str, str]]:
    """Yield each Python and version of which ``image`` has a tag; bases share their pins."""
    yield from dict.fromkeys((cell.python, cell.version) for cell in cells(image))


def pinned(
    held: Lock,
    images: Iterable[Image],
    yanked: Mapping[str, tuple[str, ...]],
    sources: Sources,
    *,
    again: bool,
) -> Pinned:
    """Return the pins of all ``images``: those ``held`` where they hold still, else the newest.

    An image is resolved after the one it is built on, and agrees with it. With ``again``, the index
    is asked whether what is held was yanked.

    :raises ResolutionError: naming the image, Python and version, and whose pins were in the way.
    """
    known = {image.name: image for image in images}
    made = Pinned(hashes=dict(held.hashes))
    for image in in_order(known.values()):
        for python, version in keys(image):
            so_far = Lock(pins=made.pins, yanked=yanked)
            below = constraints(image, python, known, so_far)
            key = (image.name, python, version)
            holds = held.has_pins(image, python, version)
            if holds and not contradicted(held.pins[key], below):
                moves = again and has_to_move(held.pins[key], image, below, sources)
                if not moves:
                    made.pins[key] = held.pins[key]
                    continue
            sources.say(f"resolving {image.requirement}=={version} for Python {python}")
            wanted = _wanted(image, python, version, held)
            near = without_yanked(wanted.near, sources)
            wanted = replace(wanted, within=within(below), near=near)
            answer = resolved(image, wanted, sources)
            made.pins[key] = answer.pins
            made.add(answer.hashes)
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
    if not wanted.within or isinstance(error, ExtraError):
        return text
    return (
        f"{text} It is built on {image.builds_on} and has to agree with what that holds: "
        f"{', '.join(wanted.within)}. Exclude the version on that Python, declare another version "
        f"of {image.builds_on}, or resolve both anew: `make lock STACK=… NEWEST={image.builds_on}`"
    )
