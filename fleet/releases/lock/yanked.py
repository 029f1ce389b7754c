"""Pins whose release was yanked since, and that nobody asks for by that version."""

from collections.abc import Iterable

from fleet.declaration.distributions import normalised
from fleet.declaration.model import Image
from fleet.lock.model import bare, name_of
from fleet.releases.sources import Sources


def yanked_pins(pins: Iterable[str], sources: Sources) -> tuple[str, ...]:
    """Return those of ``pins`` whose release was yanked (PEP 592)."""
    return tuple(
        pin for pin in pins if bare(pin).partition("==")[2] in sources.yanked(name_of(pin))
    )


def without_yanked(pins: Iterable[str], sources: Sources) -> tuple[str, ...]:
    """Return ``pins`` without the yanked ones: a resolver keeps to what it is given."""
    known = tuple(pins)
    gone = yanked_pins(known, sources)
    return tuple(pin for pin in known if pin not in gone)


def has_to_move(
    pins: Iterable[str], image: Image, below: Iterable[str], sources: Sources
) -> tuple[str, ...]:
    """Return those of the pins of ``image`` that were yanked, and that nobody asks for.

    A version that is declared stays, and so does what the image ``below`` holds: what was yanked
    moves there.
    """
    asked_for = {normalised(image.package), *map(name_of, below)}
    return yanked_pins((pin for pin in pins if name_of(pin) not in asked_for), sources)
