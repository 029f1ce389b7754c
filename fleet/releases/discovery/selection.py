"""Which releases an image keeps, by what it declares and what the index lists."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from fleet.declaration import tags, versions
from fleet.declaration.distributions import normalised
from fleet.declaration.model import Image
from fleet.declaration.release_policy import Releases
from fleet.releases.discovery.change import Change, DiscoveryError, arranged
from fleet.releases.pypi.index import Cooldown, Release

Listed = Mapping[str, Release]
"""Releases of one package by version."""

Objection = Callable[[str], str]
"""Returns which advisories keep ``name==version`` out, or nothing."""


def note_missing(image: Image, listed: Listed) -> None:
    """Refuse an index that lists less than half of the declared versions of ``image``.

    A yanked release is still listed; hardly anybody ever deletes one.

    :raises DiscoveryError: naming those that are missing.
    """
    missing = [version for version in image.versions if version not in listed]
    if 2 * len(missing) > len(image.versions):
        raise DiscoveryError(
            f"{image.name}: the index lists {len(listed)} releases of {image.package}, but of the "
            f"{len(image.versions)} that are declared it lacks {', '.join(missing)}.\nIf they are "
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
    refused = {v: _refusal(v, image, policy, listed) for v in (*listed, *image.versions)}
    fitting = versions.newest_first(version for version, why in refused.items() if not why)
    if not fitting:
        raise DiscoveryError(
            f"{image.name}: the index lists {len(listed)} releases of {image.package}, and none of "
            f"them can be taken.\nCheck fleet:images.{image.name}.releases, or maintain its "
            "versions by hand"
        )
    newest = fitting[: policy.max_versions]
    on = ([v for v in fitting if listed[v].allows(python)][:1] for python in image.pythons)
    chosen = {version for newest_there in on for version in newest_there}
    # What a person holds must not leave for being old.
    pinned = {pin.to for pin in image.pins.values()}
    held = {version for version in fitting if version in pinned and version in image.versions}
    others = [version for version in newest if version not in chosen]
    chosen.update(others[: max(0, policy.max_versions - len(chosen))])
    kept = arranged(image.versions, versions.newest_first(chosen | held)[::-1])
    coming = (version for version in kept if version not in image.versions)
    leaving = (version for version in image.versions if version not in kept)
    return kept, [
        *(Change(image.name, v, "comes", _why_it_comes(v, image, newest, listed)) for v in coming),
        *(
            Change(image.name, v, "leaves", refused[v] or "newer ones take its place")
            for v in leaving
        ),
    ]


def has_release(image: Image, python: str, listed: Listed) -> bool:
    """Tell whether ``image`` can have a version on ``python``: any release, or a declared one."""
    alone = replace(image, pythons=(python,))
    if image.releases is None:
        return any(v in listed and listed[v].allows(python) for v in image.versions)
    return any(not _refusal(version, alone, image.releases, listed) for version in listed)


def passed_over(
    image: Image, policy: Releases, listed: Listed, cooldown: Cooldown, against: Objection
) -> Iterator[Change]:
    """Yield the newest release in ``listed`` where its age, its files or advisories keep it out."""
    fitting = [v for v in listed if not _unfit(v, image, policy, listed)]
    newest = versions.highest(fitting) if fitting else ""
    if not newest or newest in image.versions:
        return
    if cooldown.holds_back(listed[newest]):
        why = f"it was uploaded less than {cooldown.days} days ago"
        yield Change(image.name, newest, "waits", why)
        return
    why = against(f"{image.package}=={newest}") or _wheelless(newest, image, listed)
    if why:
        yield Change(image.name, newest, "is passed over", why)


def _refusal(version: str, image: Image, policy: Releases, listed: Listed) -> str:
    """Return why ``version`` can't be taken, or nothing."""
    return _unfit(version, image, policy, listed) or _wheelless(version, image, listed)


def _wheelless(version: str, image: Image, listed: Listed) -> str:
    """Return why a version without wheels can't come; one that is there stays."""
    allowed = version in image.versions or normalised(image.package) in image.from_source
    if allowed or listed[version].has_wheels:
        return ""
    return f"it has no wheel, and from-source does not name {image.package}"


def _unfit(version: str, image: Image, policy: Releases, listed: Listed) -> str:  # noqa: PLR0911
    release, parsed = listed.get(version), versions.parse(version)
    if release is None:
        return "the index lists it no more"
    if release.yanked:
        return "it was yanked"
    if not any(release.allows(python) for python in image.pythons):
        return "it installs on no declared Python"
    if version in policy.exclude_versions:
        return "exclude-versions names it"
    if parsed is None or len(version) > tags.LONGEST_VERSION:
        return "no tag can name it"
    if not policy.include_prereleases and not versions.is_final(parsed):
        return "it is a pre-release"
    if any(tags.lines(version).get(kind) == version for kind in image.pointers):
        return "its tag would have the form of a pointer"
    return ""


def _why_it_comes(version: str, image: Image, newest: list[str], listed: Listed) -> str:
    if version in newest:
        return f"one of the {len(newest)} newest releases" if len(newest) > 1 else "the newest"
    pythons = [p for p in image.pythons if listed[version].allows(p)]
    barred = [p for p in pythons if not any(listed[v].allows(p) for v in newest)]
    return f"the newest for Python {', '.join(barred or pythons)}"
