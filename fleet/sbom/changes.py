"""What moved between two images of a platform, as data and in lines for a person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from packaging.version import InvalidVersion, Version

from fleet.http.text import one_line
from fleet.sbom.model import Contents, Package, PackageKind

SYSTEM: Final = "os"
"""The kind of a move of the operating system itself, by its os-release file."""

_KINDS: Mapping[str, str] = {
    PackageKind.DEBIAN: "Debian",
    PackageKind.ALPINE: "Alpine",
    PackageKind.PYTHON: "Python",
    PackageKind.GENERIC: "interpreter",
}
_LONGEST = 100  # characters of a name or version: an image says what it likes
_Name = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class PackageMove:
    """A package that moved; ``before`` is empty for one that came, ``after`` for one that went.

    Of several versions side by side, all are listed. ``system`` is there where packages of several
    systems have the name: ``Python``. Each text is of one line. ``platforms`` are those on which it
    moved so, where it did not on others.
    """

    kind: str
    name: str
    before: str
    after: str
    system: str = ""
    platforms: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[bool, bool, bool, str, str]:
        """The sort key of moves: the system, then what moved, came and went, each by name."""
        return (self.kind != SYSTEM, not self.after, not self.before, self.name, self.kind)

    @property
    def label(self) -> str:
        """The name, with the system if others have that name: ``pip (Python)``."""
        return f"{self.name} ({self.system})" if self.system else self.name

    @property
    def text(self) -> str:
        """The move in words, such as ``openssl 3.0.15 -> 3.0.16`` and ``added zlib1g 1.3.1``."""
        where = f" ({', '.join(self.platforms)})" if self.platforms else ""
        if not self.before:
            return f"added {self.label} {self.after}{where}"
        if not self.after:
            return f"removed {self.label} {self.before}{where}"
        return f"{self.label} {self.before} -> {self.after}{where}"


def changes(before: Contents, after: Contents) -> tuple[PackageMove, ...]:
    """Return what moved, in the order of moves."""
    old, new = _versions(before.packages), _versions(after.packages)
    kinds: dict[str, set[str]] = {}
    for name, kind in {**old, **new}:
        kinds.setdefault(name, set()).add(kind)

    def move(key: _Name) -> PackageMove:
        name, kind = key
        return PackageMove(
            kind=kind,
            name=one_line(name, _LONGEST),
            before=_text(old.get(key, ())),
            after=_text(new.get(key, ())),
            system=_KINDS.get(kind, kind) if len(kinds[name]) > 1 else "",
        )

    keys = [key for key in old.keys() | new.keys() if old.get(key) != new.get(key)]
    moves = (*_of_systems(before, after), *map(move, keys))
    return tuple(sorted(moves, key=lambda each: each.order))


def _of_systems(before: Contents, after: Contents) -> Iterable[PackageMove]:
    was, now = before.system, after.system
    if was != now:
        same = was.name == now.name
        texts = [each.version if same else f"{each.name} {each.version}" for each in (was, now)]
        name = was.name if same else "system"
        old, new = (one_line(text, _LONGEST) or "unknown" for text in texts)
        yield PackageMove(kind=SYSTEM, name=one_line(name, _LONGEST), before=old, after=new)


def _versions(packages: Iterable[Package]) -> dict[_Name, frozenset[str]]:
    """Return the versions by name and kind: one for all architectures of a package."""
    found: dict[_Name, set[str]] = {}
    for package in packages:
        found.setdefault((package.name, package.kind), set()).add(package.version)
    return {key: frozenset(versions) for key, versions in found.items()}


def _text(versions: Iterable[str]) -> str:
    return one_line(", ".join(sorted(versions, key=_order)), _LONGEST)


def _order(version: str) -> tuple[Version, str]:
    """Return what sorts versions: PEP 440's order where both have it, else their letters."""
    try:
        return Version(version), version
    except InvalidVersion:
        return Version("0"), version
