"""Which releases an image keeps, by what it declares and what the index lists."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from fleet.declaration import tags, validators, versions
from fleet.declaration.distributions import normalised
from fleet.declaration.model import Image
from fleet.declaration.release_policy import Releases
from fleet.releases.cooldown import Cooldown
from fleet.releases.discovery.change import Change, DiscoveryError, arranged
from fleet.releases.pypi.index import Release

Listed = Mapping[str, Release]
"""Releases of one package by version."""


def note_missing(image: Image, listed: Listed) -> None:
    """Refuse an index that lists less than half of the declared versions of ``image``.

    A yanked release is still listed; hardly anybody ever deletes one.

    :raises DiscoveryError: naming those that are missing.
    """
    missing = [version for version in image.versions if version not in listed]
    if 2 * len(missing) > len(image.versions):
        raise DiscoveryError(
            f"{image.name}: the index lists {len(listed)} releases of {image.package}, and of the "
            f"{len(image.versions)} that are declared it lacks {', '.join(missing)}. If they are "
            "really gone, take them out of the declaration by hand"
        )


def selected(
    image: Image, policy: Releases, listed: Listed
) -> tuple[tuple[str, ...], list[Change]]:
    """Return the versions that ``image`` keeps under ``policy``, and what that changes.

    The newest of each declared Python come first, so that none is left without; then the newest
    of all, until there are as many as declared.

    :raises DiscoveryError: when there is none.
    """
    fitting = versions.newest_first(v for v in listed if not _refusal(v, image, policy, listed))
    if not fitting:
        raise DiscoveryError(
            f"{image.name}: the index lists {len(listed)} releases of {image.package}, and none of "
            "them can be taken. Look at fleet:images."
            f"{image.name}.releases, or keep its versions by hand"
        )
    newest = fitting[: policy.max_versions]
    chosen = list(dict.fromkeys(_newest_by_python(image, fitting, listed).values()))
    chosen += [v for v in newest if v not in chosen][: max(0, policy.max_versions - len(chosen))]
    kept = arranged(image.versions, list(reversed(versions.newest_first(chosen))))
    return kept, [
        *_arrivals(image, kept, newest, listed),
        *_departures(image, policy, kept, listed),
    ]


def has_release(image: Image, python: str, listed: Listed) -> bool:
    """Tell whether ``image`` can have a version on ``python``: any release, or a declared one."""
    alone = replace(image, pythons=(python,))
    if image.releases is None:
        return any(v in listed and listed[v].allows(python) for v in image.versions)
    return any(not _refusal(version, alone, image.releases, listed) for version in listed)


def _newest_by_python(image: Image, fitting: Iterable[str], listed: Listed) -> dict[str, str]:
    found: dict[str, str] = {}
    for version in fitting:
        for python in image.pythons:
            if python not in found and listed[version].allows(python):
                found[python] = version
    return found


def passed_over(
    image: Image, policy: Releases, listed: Listed, cooldown: Cooldown
) -> Iterator[Change]:
    """Yield the newest release in ``listed`` where its age or its files keep it out."""
    fitting = [v for v in listed if not _unfit(v, image, policy, listed)]
    newest = versions.highest(fitting) if fitting else ""
    if not newest or newest in image.versions:
        return
    if cooldown.holds_back(listed[newest]):
        why = f"it was uploaded less than {cooldown.days} days ago"
        yield Change(place=image.name, what=newest, how="waits", why=why)
    elif why := _wheelless(newest, image, listed):
        yield Change(place=image.name, what=newest, how="is passed over", why=why)


def _refusal(version: str, image: Image, policy: Releases, listed: Listed) -> str:
    """Return why ``version`` can't be taken, or nothing."""
    return _unfit(version, image, policy, listed) or _wheelless(version, image, listed)


def _wheelless(version: str, image: Image, listed: Listed) -> str:
    """Return why a version without wheels can't come; one that is there stays."""
    allowed = version in image.versions or normalised(image.package) in image.from_source
    if allowed or listed[version].has_wheels:
        return ""
    return f"it has no wheel, and from-source does not name {image.package}"


def _unfit(version: str, image: Image, policy: Releases, listed: Listed) -> str:
    release = listed.get(version)
    if release is None:
        return "the index lists it no more"
    if release.yanked:
        return "it was yanked"
    if any(release.allows(python) for python in image.pythons):
        return _unwanted(version, image, policy)
    return "it installs on no declared Python"


def _unwanted(version: str, image: Image, policy: Releases) -> str:
    parsed = versions.parse(version)
    if version in policy.exclude_versions:
        return "exclude-versions names it"
    if parsed is None or validators.version(version):
        return "no tag can name it"
    if not policy.include_prereleases and not versions.is_final(parsed):
        return "it is a pre-release"
    if any(tags.lines(version).get(kind) == version for kind in image.pointers):
        return "its tag would have the form of a pointer"
    return ""


def _arrivals(
    image: Image, kept: Iterable[str], newest: list[str], listed: Listed
) -> Iterable[Change]:
    for version in kept:
        if version in image.versions:
            continue
        why = f"one of the {len(newest)} newest releases" if len(newest) > 1 else "the newest"
        if version not in newest:
            pythons = [p for p in image.pythons if listed[version].allows(p)]
            barred = [p for p in pythons if not any(listed[v].allows(p) for v in newest)]
            why = f"the newest for Python {', '.join(barred or pythons)}"
        yield Change(place=image.name, what=version, how="comes", why=why)


def _departures(
    image: Image, policy: Releases, kept: Iterable[str], listed: Listed
) -> Iterable[Change]:
    for version in image.versions:
        if version not in kept:
            why = _refusal(version, image, policy, listed) or "newer ones take its place"
            yield Change(place=image.name, what=version, how="leaves", why=why)
