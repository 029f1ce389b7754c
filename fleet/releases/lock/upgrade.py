"""A lock brought up to a new declaration, and to what is newest of all that images require."""

from collections.abc import Mapping
from dataclasses import replace

from fleet.declaration.distributions import normalised
from fleet.declaration.model import Declaration, Image
from fleet.declaration.versions import highest
from fleet.lock.model import Lock, pinned_versions
from fleet.plan.installed import constraints
from fleet.releases.lock.locking import completed
from fleet.releases.lock.pinning import from_source, held_for, keys, resolved, within
from fleet.releases.lock.requirements import Wanted
from fleet.releases.sources import Refresh, Sources


def brought_up(held: Lock, declaration: Declaration, sources: Sources, *, builders: bool) -> Lock:
    """Return ``held`` with what ``declaration`` needs, and newest what moved by itself.

    That is: base digests, yanked versions, and the distributions of each image of which something
    that it ``requires`` has a newer release. Whatever else those brought along moves with them, for
    they are built anew all the same; other images keep what they have. ``builders`` asks for the
    images that compile as well.
    """
    refresh = Refresh(bases=True, builders=builders, yanked=True)
    lock = completed(held, declaration, sources, refresh)
    images = declaration.by_name
    moved = frozenset(i.name for i in declaration.images if _has_newer(i, images, lock, sources))
    if not moved:
        return lock
    return completed(lock, declaration, sources, replace(Refresh(), newest=moved))


def _has_newer(image: Image, images: Mapping[str, Image], lock: Lock, sources: Sources) -> bool:
    """Tell whether an image would be locked with another release of something that it requires.

    The resolver is asked, for it alone knows what fits beside the rest; once for each Python, with
    the highest version there.
    """
    if not image.requires:
        return False
    names = {normalised(required) for required in image.requires}
    for python, version in _highest(image).items():
        sources.say(f"looking for what {image.name} requires on Python {python}")
        wanted = (f"{image.requirement}=={version}", *image.requires)
        below = within(constraints(image, python, images, lock))
        asked = Wanted(
            requirements=wanted,
            python=python,
            within=below,
            allowed=held_for(image, python, lock),
            from_source=from_source(image, images),
        )
        found = resolved(image, asked, sources)
        now, then = map(pinned_versions, (lock.pins[image.name, python, version], found.pins))
        if any(now.get(name) != then.get(name) for name in names):
            return True
    return False


def _highest(image: Image) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for python, version in keys(image):
        found.setdefault(python, []).append(version)
    return {python: highest(listed) for python, listed in found.items()}
