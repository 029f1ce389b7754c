"""Which of a release's wheels is installed on a platform: the one that pip would take there."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from urllib.parse import unquote, urlsplit

from packaging import tags as wheel_tags
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

GLIBC = 36
"""2.36 is Debian 12's. Every official ``python:X`` and ``python:X-slim`` from 3.8 on was last
made from Debian 12 or later, and so are the stand-ins."""

MUSL = 2
"""1.2 is Alpine's since 3.13; every official ``python:X-alpine`` from 3.8 on is of a later one."""

_OLDEST = {"x86_64": 5, "i686": 5}
_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
"""By glibc's 2.X, what PEP 599, 571 and 513 called the same (PEP 600, "Legacy manylinux tags")."""


_Selector = Callable[[Iterable[tuple[str, frozenset[Tag]]]], Iterator[str]]


# Every tag asks for the same few.
@lru_cache(maxsize=65536)
def wheel_for(files: tuple[str, ...], python: str, machine: str, libc: str) -> str | None:
    """Return the one of ``files`` that is installed on CPython ``python`` (``X.Y``) there, if any.

    ``files`` are addresses of wheels; ``machine`` is as in their names (``x86_64``); ``libc``
    is ``glibc`` or ``musl``. The most specific tags win, as with pip (PEP 425), then the higher
    build number.
    """
    # Of equals, a selector keeps the order that it is given.
    wheels = sorted(files, key=lambda address: (_parsed(name_in(address))[0], address))
    tagged = ((address, _parsed(name_in(address))[1]) for address in wheels)
    return next(_selector(python, machine, libc)(tagged), None)


def is_universal(address: str) -> bool:
    """Tell whether the wheel at ``address`` installs on every platform: its platform is ``any``."""
    return any(tag.platform == "any" for tag in _parsed(name_in(address))[1])


def is_of(address: str, pin: str) -> bool:
    """Tell whether the file at ``address`` is a wheel of ``name==version``."""
    name, _, version = pin.partition("==")
    try:
        found = parse_wheel_filename(name_in(address))[:2]
        return found == (canonicalize_name(name), Version(version))
    except ValueError:  # of a name, a version or an address
        return False


def name_in(address: str) -> str:
    """Return the name of the file at ``address``."""
    return unquote(urlsplit(address).path.rpartition("/")[2])


@cache
def _parsed(name: str) -> tuple[tuple[int, str], frozenset[Tag]]:
    """Return the tags of a wheel behind its build number, the highest of which sorts first."""
    try:
        _, _, build, tags = parse_wheel_filename(name)
    except InvalidWheelFilename:
        return (0, ""), frozenset()
    number, text = build or (0, "")
    return (-number, text), tags


@cache
def _selector(python: str, machine: str, libc: str) -> _Selector:
    version, interpreter = tuple(map(int, python.split("."))), f"cp{python.replace('.', '')}"
    platforms = [*(_musl(machine) if libc == "musl" else _glibc(machine)), f"linux_{machine}"]
    cpython = wheel_tags.cpython_tags(version, [interpreter], platforms)
    others = wheel_tags.compatible_tags(version, interpreter, platforms)
    return wheel_tags.create_compatible_tags_selector((*cpython, *others))


def _glibc(machine: str) -> Iterator[str]:
    for minor in range(GLIBC, _OLDEST.get(machine, 17) - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if minor in _LEGACY:
            yield f"{_LEGACY[minor]}_{machine}"


def _musl(machine: str) -> Iterator[str]:
    for minor in range(MUSL, -1, -1):
        yield f"musllinux_1_{minor}_{machine}"
