"""The releases of a package, by the files that the index lists, and which wheel is installed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)

from fleet.declaration import tags
from fleet.declaration.distributions import normalised
from fleet.lock.model import machine_of
from fleet.lock.wheel_files import wheel_for
from fleet.releases.pypi.pypi import File

_MINORS = range(100)
_LATEST_PATCH = 99
"""The official images hold the latest patch release; a file that leaves out an early one is had."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """One release: its wheels and sdists."""

    files: tuple[File, ...]

    @property
    def yanked(self) -> bool:
        """Whether every file was withdrawn (PEP 592)."""
        return all(file.yanked for file in self.files)

    @property
    def has_wheels(self) -> bool:
        """Whether a wheel was not withdrawn, be it of another platform."""
        return any(file.name.endswith(".whl") and not file.yanked for file in self.files)

    def allows(self, python: str) -> bool:
        """Tell whether a file installs on ``python``; yanked ones count where there are no others.

        Each file has a ``requires-python`` of its own, and that of a yanked one is often the reason
        why it was.
        """
        return any(allows(file, python) for file in unyanked(self.files))


def releases_in(package: str, files: Iterable[File]) -> Mapping[str, Release]:
    """Return the releases of ``package`` by version, as PEP 440 normalises it.

    A file that is neither wheel nor sdist of it, or whose name has no version of PEP 440, is one
    that pip does not take either.
    """
    found: dict[str, list[File]] = {}
    for file in files:
        version = _version(package, file.name)
        if version:
            found.setdefault(version, []).append(file)
    return {text: Release(files=tuple(listed)) for text, listed in found.items()}


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
    known = tuple(files)
    return any(
        chosen(known, python, platform, libc)
        for platform in tags.PLATFORMS
        for libc in ("glibc", "musl")
    )


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
