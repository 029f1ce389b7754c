"""Bringing a lock up to a declaration: what is missing is resolved, the rest stays as it was."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from fleet.declaration.distributions import normalised
from fleet.declaration.grouping import grouped
from fleet.declaration.model import Declaration, Image
from fleet.declaration.versions import highest, newest_first
from fleet.lock.model import Lock, asked, pinned_versions
from fleet.plan.installed import NO_TOOLS, constraints, needs_of
from fleet.releases.lock.bases import locked_bases
from fleet.releases.lock.build_tools import Task, tools_of
from fleet.releases.lock.installer import installer_for
from fleet.releases.lock.locked_advisories import with_advisories
from fleet.releases.lock.locked_files import LockedFiles
from fleet.releases.lock.pinning import (
    from_source,
    keys,
    pinned,
    resolved,
    wanted_for,
    within,
    without,
)
from fleet.releases.sources import Refresh, Sources


def completed(lock: Lock, declaration: Declaration, sources: Sources, refresh: Refresh) -> Lock:
    """Return ``lock`` with everything that ``declaration`` needs, and nothing else.

    What it already holds stays, so that the same declaration builds the same images, but for what
    ``refresh`` names. What is pinned already and has no file yet where it is installed gets one.

    :raises AdvisoryError: when nobody can say which advisories there are.
    :raises BaseError: naming every base that can't be had.
    :raises ResolutionError: when distributions do not fit together.
    """
    images, known = declaration.images, declaration.by_name
    # First what takes seconds: a base that can't be had would cost all that was resolved before.
    found_bases, found_builders = locked_bases(images, lock, sources, refresh)
    held = without(lock, refresh.newest)
    # Which tag another is built on hangs on what was yanked.
    yanked = _yanked(held, images, sources, again=refresh.yanked)
    found = pinned(lock, images, yanked, sources, refresh)
    made = Lock(pins=found.pins, yanked=yanked)
    files = LockedFiles(held=held, hashes=found.hashes, sources=sources)
    installer = installer_for(lock, images, files, sources, again=refresh.installer)
    tools = tools_of(
        [
            Task(
                image=image,
                python=python,
                needs=needs_of(image, python, known, made),
                held=held.tools.get((image.name, python), NO_TOOLS),
                moves=refresh.yanked,
                allowed=lock.tools.get((image.name, python), NO_TOOLS).pins,
            )
            for image in images
            for python in dict.fromkeys(python for python, _ in keys(image))
        ],
        files,
    )
    for name, python, version in found.resolved:
        _note_skipped(found.pins[name, python, version], python, known[name], known, sources)
    whole = replace(
        made,
        bases=found_bases,
        builders=found_builders,
        asked={image.name: asked(image) for image in images},
        tools=tools,
        installer=installer,
        files=files.named,
        pythons={
            python: lock.pythons[python]
            for python in sorted({python for image in images for python in image.pythons})
            if python in lock.pythons
        },
    )
    return with_advisories(whole, lock, sources, again=refresh.yanked)


def brought_up(held: Lock, declaration: Declaration, sources: Sources, *, builders: bool) -> Lock:
    """Return ``held`` with what ``declaration`` needs, and newest what moved by itself.

    That is: base digests, yanked versions, and all distributions of each image of which something
    that it ``requires`` has a newer release. ``builders`` asks for the images that compile as well.
    """
    refresh = Refresh(bases=True, builders=builders, yanked=True)
    lock = completed(held, declaration, sources, refresh)
    images = declaration.by_name
    moved = frozenset(i.name for i in declaration.images if _has_newer(i, images, lock, sources))
    return completed(lock, declaration, sources, Refresh(newest=moved)) if moved else lock


def _has_newer(image: Image, images: Mapping[str, Image], lock: Lock, sources: Sources) -> bool:
    """Tell whether an image would be locked with another release of something that it requires.

    The resolver is asked once for each Python, with the highest version there.
    """
    names = image.required.keys()
    for python, listed in grouped(keys(image) if names else ()).items():
        sources.say(f"looking for what {image.name} requires on Python {python}")
        version = highest(listed)
        below = within(constraints(image, python, images, lock))
        wanted = replace(wanted_for(image, python, version, images, lock), within=below)
        found = resolved(image, wanted, sources)
        now, then = map(pinned_versions, (lock.pins[image.name, python, version], found.pins))
        if any(now.get(name) != then.get(name) for name in names):
            return True
    return False


def _yanked(
    held: Lock, images: Iterable[Image], sources: Sources, *, again: bool
) -> dict[str, tuple[str, ...]]:
    """Return the withdrawn versions of each package; a look outside for pins is one for these."""
    packages = sorted({image.package for image in images})
    lacking = any(not held.has_pins(image, *key) for image in images for key in keys(image))
    if again or lacking or any(package not in held.yanked for package in packages):
        return {package: sources.yanked(package) for package in packages}
    return {package: held.yanked[package] for package in packages}


def _note_skipped(
    pins: Iterable[str], python: str, image: Image, images: Mapping[str, Image], sources: Sources
) -> None:
    """Note each of ``pins`` of which the newest release on ``python`` is newer, and has no wheel.

    Not the package, whose version is declared, and not what ``from-source`` names.
    """
    apart = {normalised(name) for name in (image.package, *from_source(image, images))}
    for name, version in sorted(pinned_versions(pins).items()):
        listed = {} if name in apart else sources.takeable(name)
        limit = image.required.get(name, SpecifierSet())
        fitting = newest_first(v for v in limit.filter(listed) if listed[v].allows(python))
        newest = fitting[0] if fitting else version
        if Version(newest) > Version(version) and not listed[newest].has_wheels:
            sources.note(
                f"{name} {newest} has no wheel and is passed over; {version} is taken. "
                "`from-source` of an image allows what has none"
            )
