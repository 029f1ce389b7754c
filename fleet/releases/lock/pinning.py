"""Pins: what each image holds on each Python, resolved where the lock does not say it yet."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from fleet.advisories.package import pinned as packages_of
from fleet.declaration import versions
from fleet.declaration.base_graph import in_order
from fleet.declaration.distributions import normalised
from fleet.declaration.matrix import PinKey, matrix_entries
from fleet.declaration.model import Image
from fleet.lock.model import Lock, bare, name_of
from fleet.plan.installed import constraints, contradicted
from fleet.releases.lock.requirements import ExtraError, Resolution, Wanted
from fleet.releases.lock.uv import NoWheelError, ResolutionError
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
    if refresh.yanked:
        # All in one request.
        sources.door.findings({each for pins in held.pins.values() for each in packages_of(pins)})
    made = Pinned()
    for image in in_order(known.values()):
        for python, version in keys(image):
            key = (image.name, python, version)
            below = constraints(image, python, known, Lock(pins=made.pins, yanked=yanked))
            if held.has_pins(image, python, version):
                pins = held.pins[key]
                moves = refresh.yanked and _was_withdrawn(pins, image, below, sources)
                if not moves and not contradicted(pins, below):
                    made.pins[key] = pins
                    continue
            sources.say(f"resolving {image.requirement}=={version} for Python {python}")
            wanted = replace(
                wanted_for(image, python, version, known, lock),
                within=within(below),
                near=sources.keepable(_nearest(image, python, version, held)),
            )
            answer = resolved(image, wanted, sources)
            made.pins[key] = answer.pins
            made.resolved.append(key)
            made.hashes.update(answer.hashes)
    return made


def wanted_for(
    image: Image, python: str, version: str, images: Mapping[str, Image], lock: Lock
) -> Wanted:
    """Return what is to be resolved; no cooldown holds back what ``lock`` holds of ``image``."""
    allowed = {
        pin for key, pins in lock.pins.items() if key[:2] == (image.name, python) for pin in pins
    }
    return Wanted(
        requirements=(f"{image.requirement}=={version}", *image.requires),
        python=python,
        allowed=tuple(sorted(allowed)),
        from_source=from_source(image, images),
    )


def _nearest(image: Image, python: str, version: str, held: Lock) -> tuple[str, ...]:
    """Return the pins held of ``version``, else of the highest: a new release shares the rest."""
    there = [v for name, p, v in held.pins if (name, p) == (image.name, python)]
    if not there:
        return ()
    nearest = version if version in there else versions.highest(there)
    return held.pins[image.name, python, nearest]


def _was_withdrawn(
    pins: Iterable[str], image: Image, below: Iterable[str], sources: Sources
) -> bool:
    """Tell whether one of ``pins`` that is not declared, and not held ``below``, has to go.

    That is: it was yanked, or has an advisory that another release fixes.
    """
    asked_for = {normalised(image.package), *map(name_of, below)}
    others = [pin for pin in pins if name_of(pin) not in asked_for]
    return any(sources.is_yanked(pin) or sources.objection(pin) for pin in others)


def without(lock: Lock, images: frozenset[str]) -> Lock:
    """Return ``lock`` without what was resolved for ``images`` alone, files included."""
    pins = {key: entry for key, entry in lock.pins.items() if key[0] not in images}
    tools = {key: entry for key, entry in lock.tools.items() if key[0] not in images}
    entries = (*pins.values(), *(entry.pins for entry in tools.values()), (lock.installer,))
    used = {bare(pin) for entry in entries for pin in entry}
    files = {pin: found for pin, found in lock.files.items() if pin in used}
    return replace(lock, pins=pins, tools=tools, files=files)


def from_source(image: Image, images: Mapping[str, Image]) -> tuple[str, ...]:
    """Return the distributions that need no wheel, for ``image`` or what it is built on."""
    below = images.get(image.builds_on)
    return (*image.from_source, *(from_source(below, images) if below else ()))


def within(below: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``below`` as constraints, which bind every platform where there is but one version."""
    count = Counter(map(name_of, below))
    return tuple(bare(pin) if count[name_of(pin)] == 1 else pin for pin in below)


def resolved(image: Image, wanted: Wanted, sources: Sources) -> Resolution:
    """Return what ``sources`` find for ``wanted``, without releases that advisories keep outside.

    The declared version, and what the image below holds, are as they are; where nothing else fits,
    such a release is taken with a note.

    :raises ResolutionError: naming ``image``, and whose pins were in the way.
    :raises AdvisoryError: when nobody can say what is known of a release.
    """
    found = _resolved(image, wanted, sources)
    settled = {normalised(image.package), *map(name_of, wanted.within)}
    while pin := _first_bad(found.pins, settled, sources):
        name, why = name_of(pin), sources.objection(pin)
        settled.add(name)
        bad = sources.door.objections(name, sources.releases(name))
        narrower = replace(
            wanted, apart=(*wanted.apart, *(f"{name}!={version}" for version in sorted(bad)))
        )
        try:
            found = _resolved(image, narrower, sources)
            wanted = narrower
        except ResolutionError:
            sources.note(
                f"{bare(pin)} is taken for {image.name}, although it has {why}: what is declared "
                "fits no release without that. It can be waived (fleet:advisories.waivers)"
            )
    return found


def _first_bad(pins: Iterable[str], settled: set[str], sources: Sources) -> str:
    """Return the first of ``pins`` that advisories keep outside, but for names in ``settled``."""
    others = [pin for pin in pins if name_of(pin) not in settled]
    sources.door.findings(packages_of(others))  # all in one request
    return next((pin for pin in others if sources.objection(pin)), "")


def _resolved(image: Image, wanted: Wanted, sources: Sources) -> Resolution:
    try:
        return sources.distributions(wanted)
    except ResolutionError as error:
        asked = ", ".join(wanted.requirements)
        text = f"{image.name}: {asked} on Python {wanted.python}: {error}."
        raise ResolutionError(f"{text}{_remedy(error, image, wanted)}") from None


def _remedy(error: ResolutionError, image: Image, wanted: Wanted) -> str:
    if isinstance(error, NoWheelError):
        names = ", ".join(error.names)
        return names and (
            f" The index has no wheel of {names}, and what a source distribution requires may only "
            "be known by running its code.\nLeave out the version that needs it, or write "
            f"`from-source: [{names}]` in fleet:images.{image.name}: it is then read, run where it "
            "has to be, and compiled in a builder"
        )
    if isinstance(error, ExtraError):
        return ""
    limited = any(image.required.values())
    place = f"correct the condition in fleet:images.{image.name}.requires"
    if not wanted.within:
        return limited * (
            f"\nExclude the version that does not fit, {place}, or wait if fleet:cooldown-days "
            "still keeps out what it allows"
        )
    same = f", {place}, or declare it for {image.builds_on} as well"
    return (
        f" It is built on {image.builds_on} and has to agree with what that holds: "
        f"{', '.join(wanted.within)}.\nExclude the version on that Python, declare another version "
        f"of {image.builds_on}, or resolve both again: `make lock STACK=… NEWEST={image.builds_on}`"
        f"{same * limited}"
    )
