"""Which of a release's wheels is installed on a platform: the one that pip would take there."""

from collections.abc import Iterator
from functools import cache, lru_cache
from urllib.parse import unquote, urlsplit

from packaging.tags import Tag, compatible_tags, cpython_tags
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


# Every tag asks for the same few.
@lru_cache(maxsize=65536)
def wheel_for(files: tuple[str, ...], python: str, machine: str, libc: str) -> str | None:
    """Return the one of ``files`` that is installed on CPython ``python`` (``X.Y``) there, if any.

    ``files`` are addresses of wheels, with or without ``#sha256=`` behind them; ``machine`` is what
    wheel names call it (``x86_64``), ``libc`` is ``glibc`` or ``musl``. Of several, the one with
    the more specific tags is taken, as by pip (PEP 425), and of equal ones that with the higher
    build number.
    """
    known = _ranks(python, machine, libc)
    ranked = ((rank, address) for address in files if (rank := _rank(address, known)) is not None)
    return min(ranked, default=(None, None))[1]


def is_universal(address: str) -> bool:
    """Tell whether the wheel at ``address`` installs on every platform: its platform is ``any``."""
    tags, _ = _tags_of(name_in(address))
    return any(tag.platform == "any" for tag in tags)


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


def _rank(address: str, known: dict[Tag, int]) -> tuple[int, tuple[int, str]] | None:
    tags, build = _tags_of(name_in(address))
    fitting = [known[tag] for tag in tags if tag in known]
    number, text = build or (0, "")
    return (min(fitting), (-number, text)) if fitting else None


@cache
def _tags_of(name: str) -> tuple[frozenset[Tag], tuple[int, str] | tuple[()]]:
    try:
        _, _, build, tags = parse_wheel_filename(name)
    except InvalidWheelFilename:
        return frozenset(), ()
    return tags, build


@cache
def _ranks(python: str, machine: str, libc: str) -> dict[Tag, int]:
    """Return the tags of what installs there, each with its rank: the first is the best."""
    major, minor = map(int, python.split("."))
    interpreter = f"cp{major}{minor}"
    platforms = [*(_musl(machine) if libc == "musl" else _glibc(machine)), f"linux_{machine}"]
    found = (
        *cpython_tags((major, minor), abis=[interpreter], platforms=platforms),
        *compatible_tags((major, minor), interpreter, platforms),
    )
    return {tag: rank for rank, tag in reversed(tuple(enumerate(found)))}


def _glibc(machine: str) -> Iterator[str]:
    for minor in range(GLIBC, _OLDEST.get(machine, 17) - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if minor in _LEGACY:
            yield f"{_LEGACY[minor]}_{machine}"


def _musl(machine: str) -> Iterator[str]:
    for minor in range(MUSL, -1, -1):
        yield f"musllinux_1_{minor}_{machine}"
