"""Newest releases that were passed over because they have no wheel, for people to hear of."""

from collections.abc import Iterable

from packaging.version import Version

from fleet.declaration.distributions import normalised
from fleet.declaration.versions import highest, is_final
from fleet.lock.model import pinned_versions
from fleet.releases.pypi.index import Release, releases_in
from fleet.releases.sources import Sources


def note_skipped(
    pins: Iterable[str], python: str, from_source: Iterable[str], sources: Sources
) -> None:
    """Note each distribution of ``pins`` of which a newer release on ``python`` has no wheel.

    Of those in ``from_source`` a newer one stays out for another reason, which the resolver tells.
    """
    allowed = set(map(normalised, from_source))
    for name, version in sorted(pinned_versions(pins).items()):
        if name in allowed:
            continue
        releases = releases_in(name, sources.files(name))
        newer = [
            other
            for other, release in releases.items()
            if Version(other) > Version(version) and _could_come(release, python, sources)
        ]
        newest = highest(newer) if newer else ""
        if newest and not releases[newest].has_wheels:
            sources.note(
                f"{name} {newest} has no wheel and is passed over; {version} is taken. "
                "`from-source` of an image allows what has none"
            )


def _could_come(release: Release, python: str, sources: Sources) -> bool:
    final = is_final(Version(release.version)) and release.allows(python)
    return final and not release.yanked and not sources.cooldown.holds_back(release)
