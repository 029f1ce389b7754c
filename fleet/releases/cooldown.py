"""The cooldown: what was uploaded a short while ago is not taken yet, unless somebody names it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fleet.http.text import one_line
from fleet.releases.pypi.index import Release
from fleet.releases.pypi.pypi import File, PackageIndexError


@dataclass(frozen=True, kw_only=True)
class Cooldown:
    """A number of ``days``, and the time ``until`` which a file has to be uploaded to count.

    With 0 days every file counts at once, also one of which the index tells no time.
    """

    days: int
    until: datetime

    def holds_back(self, release: Release) -> bool:
        """Tell whether the whole ``release`` is too fresh; one late file makes no release fresh.

        :raises PackageIndexError: when the index does not say when a file was uploaded.
        """
        return not self._old(release)

    def counting(self, release: Release) -> tuple[File, ...]:
        """Return the files that count of ``release``, which is taken: late ones where all are."""
        return self._old(release) or release.files

    def aged(self, releases: Mapping[str, Release], taken: Iterable[str]) -> dict[str, Release]:
        """Return ``releases`` without fresh files; of the versions in ``taken`` all files count."""
        known = frozenset(taken)
        return {
            version: replace(release, files=files)
            for version, release in releases.items()
            if (files := release.files if version in known else self._old(release))
        }

    def _old(self, release: Release) -> tuple[File, ...]:
        return tuple(file for file in release.files if not self.days or self._is_old(file))

    def _is_old(self, file: File) -> bool:
        if file.uploaded is None:
            raise PackageIndexError(undated(file.name))
        return file.uploaded <= self.until


def cooldown_of(days: int, now: datetime) -> Cooldown:
    """Return the cooldown of ``days`` at the time ``now``."""
    return Cooldown(days=days, until=now - timedelta(days=days))


def undated(name: str) -> str:
    """Return what is wrong with the file ``name``, of which the index tells no time."""
    return (
        f"the index does not say when {one_line(name)} was uploaded (upload-time, PEP 700), and "
        "fleet:cooldown-days goes by that. Take fleet:cooldown-days out, or name an index in "
        "fleet:index that says so"
    )
