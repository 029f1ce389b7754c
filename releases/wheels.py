"""Whether a release has a wheel that pip takes on a platform, by the rules that pip goes by."""

from collections.abc import Iterable, Iterator
from functools import cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from fleet import names
from fleet.lock import machine_of
from releases.pypi import File

GLIBC = 36
"""2.36 is Debian 12's. Every official ``python:X`` and ``python:X-slim`` from 3.8 on was last
made from Debian 12 or later, and so are the stand-ins."""

MUSL = 2
"""1.2 is Alpine's since 3.13; every official ``python:X-alpine`` from 3.8 on is of a later one."""

_OLDEST = {"x86_64": 5, "i686": 5}
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
"""By glibc's 2.X, what PEP 599, 571 and 513 called the same (PEP 600, "Legacy manylinux tags")."""

_LATEST_PATCH = 99
"""The official images hold the latest patch release; a file that leaves out an early one is had."""


def has_wheel(files: Iterable[File], python: str, platform: str, libc: str) -> bool:
    """Tell whether one of ``files`` is a wheel that installs on CPython ``python`` there.

    A yanked file does not count: pip prefers an sdist that was not yanked. Where a wheel is not
    seen that pip would take, its source is compiled; one that is seen and that pip refuses fails
    the build, because nothing but wheels is installed there.
    """
    return any(wheels(files, python, platform, libc))


def wheels(files: Iterable[File], python: str, platform: str, libc: str) -> Iterator[File]:
    """Yield those of ``files`` that are wheels and install on CPython ``python`` there."""
    fitting = _tags(python, machine_of(platform), libc)
    for file in files:
        if not file.yanked and allows(file, python) and _tags_of(file.name) & fitting:
            yield file


def has_any_wheel(files: Iterable[File], python: str) -> bool:
    """Tell whether one of ``files`` is a wheel that installs on ``python`` on some platform."""
    known = tuple(files)
    targets = ((platform, libc) for platform in names.PLATFORMS for libc in ("glibc", "musl"))
    return any(has_wheel(known, python, *target) for target in targets)


def allows(file: File, python: str) -> bool:
    """Tell whether ``file`` installs on the latest patch release of ``python`` (``X.Y``).

    What is not a specifier of PEP 440, as ``>=3.6.*``, pip takes no notice of.
    """
    try:
        return SpecifierSet(file.requires_python).contains(f"{python}.{_LATEST_PATCH}")
    except InvalidSpecifier:
        return True


def _tags_of(name: str) -> frozenset[Tag]:
    try:
        return parse_wheel_filename(name)[3]
    except InvalidWheelFilename:
        return frozenset()


@cache
def _tags(python: str, machine: str, libc: str) -> frozenset[Tag]:
    major, minor = map(int, python.split("."))
    interpreter = f"cp{major}{minor}"
    platforms = [*(_musl(machine) if libc == "musl" else _glibc(machine)), f"linux_{machine}"]
    return frozenset(
        (
            *cpython_tags((major, minor), abis=[interpreter], platforms=platforms),
            *compatible_tags((major, minor), interpreter, platforms),
        )
    )


def _glibc(machine: str) -> Iterator[str]:
    for minor in range(GLIBC, _OLDEST.get(machine, 17) - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if minor in _LEGACY:
            yield f"{_LEGACY[minor]}_{machine}"


def _musl(machine: str) -> Iterator[str]:
    for minor in range(MUSL, -1, -1):
        yield f"musllinux_1_{minor}_{machine}"
