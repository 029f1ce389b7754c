"""The orders of versions: of PyPI (PEP 440), Debian (deb-version(7)) and Alpine (apk-tools).

Each key is compared with keys of the same ecosystem alone. They are own code because the library
that has all three (univers) brings 5,700 lines and three packages, and its Debian order was not
found to be held against dpkg; the tests here ask dpkg.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from packaging.version import Version

Key = Any
"""What sorts versions of one ecosystem."""

_PARTS = re.compile(r"([^0-9]*)([0-9]*)")
_DEBIAN = re.compile(r"(?:[0-9]{1,9}:)?[A-Za-z0-9.+~:-]{1,255}")
_APK = re.compile(
    r"(?P<digits>[0-9]+(?:\.[0-9]+)*)(?P<letter>[a-z]?)"
    r"(?P<suffixes>(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)"
    r"(?:~[0-9a-f]+)?(?:-r(?P<revision>[0-9]+))?"
)
_SUFFIX = re.compile(r"_([a-z]+)([0-9]*)")
_SUFFIXES: Final = ("alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p")
_BEFORE: Final = 4
"""So many of the suffixes stand for what comes before the version that has none."""
_END: Final = ((0,), 0)


def pypi(version: str) -> Key:
    """Return the key of a version of PyPI.

    :raises ValueError: if it is not one.
    """
    return Version(version)


def debian(version: str) -> Key:
    """Return the key of a version of Debian: epoch, upstream version, revision.

    :raises ValueError: if it is not one.
    """
    if not _DEBIAN.fullmatch(version):
        raise ValueError("not a version of Debian")
    epoch, colon, rest = version.partition(":")
    epoch, rest = (epoch, rest) if colon else ("0", version)
    upstream, dash, revision = rest.rpartition("-")
    upstream, revision = (upstream, revision) if dash else (rest, "")
    return int(epoch), _debian_part(upstream), _debian_part(revision)


def _debian_part(text: str) -> Key:
    """Return what sorts an upstream version or a revision: in turn what is not digits, and digits.

    A letter comes before any other sign, a tilde even before the end. What is missing counts as 0,
    and is written like it: ``""`` and ``0`` are both newer than ``0~``.
    """
    parts = [((*map(_sign, sign), 0), int(digits or "0")) for sign, digits in _PARTS.findall(text)]
    while len(parts) > 1 and parts[-1] == _END:
        parts.pop()
    return (*parts, _END)


def _sign(sign: str) -> int:
    if sign == "~":
        return -1
    return ord(sign) if sign.isalpha() else ord(sign) + 256


def alpine(version: str) -> Key:
    """Return the key of a version of Alpine: ``digits{.digits}{letter}{_suffix{number}}{-r#}``.

    Where one version ends, the other is the newer one, but for a suffix such as ``_rc1``; where
    they differ in kind, a digit counts for more than a letter, that for more than a suffix, and
    that for more than a revision. A part that begins with 0 is compared as text, as in Gentoo.

    :raises ValueError: if it is not one.
    """
    found = _APK.fullmatch(version)
    if not found:
        raise ValueError("not a version of Alpine")
    first, *others = found["digits"].split(".")
    parts: list[tuple[Any, ...]] = [(4, 1, int(first), "")]
    parts += [(4, 0, 0, each) if each.startswith("0") else (4, 1, int(each), "") for each in others]
    if found["letter"]:
        parts.append((3, ord(found["letter"])))
    for name, number in _SUFFIX.findall(found["suffixes"]):
        order = _SUFFIXES.index(name)
        parts.append((-1 if order < _BEFORE else 2, order, int(number or "-1")))
    if found["revision"]:
        parts.append((1, int(found["revision"])))
    return (*parts, (0,))


KEYS: Final[Mapping[str, Callable[[str], Key]]] = {
    "PyPI": pypi,
    "Debian": debian,
    "Alpine": alpine,
}
"""By OSV's name of an ecosystem, without its release: what returns the key of a version."""
