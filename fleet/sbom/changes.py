"""What moved between two lists of packages, in lines for a person."""

from collections.abc import Iterable, Mapping

from packaging.version import InvalidVersion, Version

from fleet.http.text import one_line
from fleet.sbom.model import Package, PackageKind

_KINDS: Mapping[str, str] = {
    PackageKind.DEBIAN: "Debian",
    PackageKind.ALPINE: "Alpine",
    PackageKind.PYTHON: "Python",
    PackageKind.GENERIC: "interpreter",
}
_Name = tuple[str, str]


def changes(before: Iterable[Package], after: Iterable[Package]) -> tuple[str, ...]:
    """Return a line for each package that moved, then for each added, then for each removed.

    Such as ``openssl 3.0.15 -> 3.0.16``, ``added zlib1g 1.3.1``, ``removed curl 8.14.1``; each
    group is sorted by name. A name that packages of several systems have is told apart by the
    system: ``pip 24.0 -> 25.0 (Python)``. Of several versions side by side, all are listed.
    """
    old, new = _versions(before), _versions(after)
    kinds: dict[str, set[str]] = {}
    for name, kind in {**old, **new}:
        kinds.setdefault(name, set()).add(kind)

    def line(key: _Name, text: str, word: str = "") -> str:
        name, kind = key
        system = f" ({_KINDS.get(kind, kind)})" if len(kinds[name]) > 1 else ""
        return one_line(f"{word}{name} {text}{system}")

    both = sorted(key for key in old.keys() & new.keys() if old[key] != new[key])
    return (
        *(line(key, f"{_text(old[key])} -> {_text(new[key])}") for key in both),
        *(line(key, _text(new[key]), "added ") for key in sorted(new.keys() - old.keys())),
        *(line(key, _text(old[key]), "removed ") for key in sorted(old.keys() - new.keys())),
    )


def _versions(packages: Iterable[Package]) -> dict[_Name, frozenset[str]]:
    """Return the versions by name and kind: one for all architectures of a package."""
    found: dict[_Name, set[str]] = {}
    for package in packages:
        found.setdefault((package.name, package.kind), set()).add(package.version)
    return {key: frozenset(versions) for key, versions in found.items()}


def _text(versions: frozenset[str]) -> str:
    return ", ".join(sorted(versions, key=_order))


def _order(version: str) -> tuple[Version, str]:
    """Return what sorts versions: PEP 440's order where both have it, else their letters."""
    try:
        return Version(version), version
    except InvalidVersion:
        return Version("0"), version
