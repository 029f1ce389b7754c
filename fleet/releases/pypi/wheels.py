"""Which wheel of a release is installed on a platform, by the rules that pip goes by."""

from collections.abc import Iterable

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from fleet.declaration import tags
from fleet.lock.model import machine_of
from fleet.lock.wheel_files import wheel_for
from fleet.releases.pypi.pypi import File

_LATEST_PATCH = 99
"""The official images hold the latest patch release; a file that leaves out an early one is had."""


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
