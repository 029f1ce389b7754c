"""The releases of a package, by the files that the index lists, and which of these count."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)

from fleet.declaration import tags
from fleet.declaration.distributions import normalised
from fleet.declaration.grouping import grouped
from fleet.http.text import one_line
from fleet.lock.model import machine_of
from fleet.lock.wheel_files import wheel_for
from fleet.releases.pypi.pypi import File, PackageIndexError

_MINORS = range(100)
_LATEST_PATCH = 99
"""The official images hold the latest patch release; a file that leaves out an early one is had."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """One release: its wheels and sdists."""

    files: tuple[File, ...]

    @property
    def yanked(self) -> bool:
        """True if every file was withdrawn (PEP 592)."""
        return all(file.yanked for file in self.files)

    @property
    def has_wheels(self) -> bool:
        """True if a wheel of any platform was not withdrawn."""
        return any(file.name.endswith(".whl") and not file.yanked for file in self.files)

    def allows(self, python: str) -> bool:
        """Tell whether a file installs on ``python``: a yanked one, where all are yanked."""
        return any(allows(file, python) for file in unyanked(self.files))


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
        if not self.days:
            return release.files
        for file in release.files:
            if file.uploaded is None:
                raise PackageIndexError(undated(file.name))
        return tuple(f for f in release.files if f.uploaded and f.uploaded <= self.until)


def cooldown_of(days: int, now: datetime) -> Cooldown:
    """Return the cooldown of ``days`` at the time ``now``."""
    return Cooldown(days=days, until=now - timedelta(days=days))


def undated(name: str) -> str:
    """Return the problem of the file ``name``, of which the index tells no time."""
    return (
        f"the index does not say when {one_line(name)} was uploaded (upload-time, PEP 700), and "
        "fleet:cooldown-days goes by that. Take fleet:cooldown-days out, or name an index in "
        "fleet:index that says so"
    )


def releases_in(package: str, files: Iterable[File]) -> Mapping[str, Release]:
    """Return the releases of ``package`` by normalised version, of files that pip takes as well."""
    found = grouped((v, file) for file in files if (v := _version(package, file.name)))
    return {version: Release(files=tuple(listed)) for version, listed in found.items()}


def yanked_in(releases: Mapping[str, Release]) -> tuple[str, ...]:
    """Return the versions of ``releases`` that were yanked whole, sorted."""
    return tuple(sorted(version for version, release in releases.items() if release.yanked))


def obstacle(release: Release, python: str) -> str:
    """Return why ``release`` can't be had on ``python``, or nothing where it can."""
    if release.allows(python):
        return ""
    minor = int(python.partition(".")[2])
    fitting = [n for n in _MINORS if release.allows(f"3.{n}")]
    if fitting and minor < fitting[0]:
        return f"needs Python 3.{fitting[0]}"
    if fitting and minor > fitting[-1]:
        return f"needs Python 3.{fitting[-1]} at most"
    return f"is not for Python {python}"


OBSTACLE = r"needs Python 3\.[0-9]+(?: at most)?|is not for Python 3\.[0-9]+"
"""What :func:`obstacle` may say: an exclusion that gives this reason is discovery's own."""


def _version(package: str, name: str) -> str:
    try:
        if name.endswith(".whl"):
            of, version = parse_wheel_filename(name)[:2]
        else:
            of, version = parse_sdist_filename(name)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return ""
    return str(version) if of == normalised(package) else ""


def chosen(files: Iterable[File], python: str, platform: str, libc: str) -> File | None:
    """Return the wheel among ``files`` of a release that is installed on CPython ``python`` there.

    A yanked file counts only where everything else of the release was yanked, too (PEP 592).
    """
    allowed = {file.url: file for file in unyanked(files) if allows(file, python)}
    found = wheel_for(tuple(allowed), python, machine_of(platform), libc)
    return allowed[found] if found else None


def has_any_wheel(files: Iterable[File], python: str) -> bool:
    """Tell whether one of ``files`` is a wheel that installs on ``python`` on some platform."""
    known, places = tuple(files), product(tags.PLATFORMS, ("glibc", "musl"))
    return any(chosen(known, python, platform, libc) for platform, libc in places)


def unyanked(files: Iterable[File]) -> tuple[File, ...]:
    """Return those of ``files`` that were not yanked, or all where every one was."""
    known = tuple(files)
    return tuple(file for file in known if not file.yanked) or known


def allows(file: File, python: str) -> bool:
    """Tell whether ``file`` installs on the latest patch release of ``python`` (``X.Y``).

    What is not a specifier of PEP 440, as ``>=3.6.*``, pip takes no notice of.
    """
    try:
        return SpecifierSet(file.requires_python).contains(f"{python}.{_LATEST_PATCH}")
    except InvalidSpecifier:
        return True
