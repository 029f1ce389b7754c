"""What moved inside base images, once for the platforms that agree: data of reports, and lines."""

from dataclasses import dataclass
from typing import Any, Final

from fleet.sbom.changes import PackageMove
from fleet.units import in_units

_NAMED = 8
"""Packages that a line names: a new release of Debian moves a hundred."""


@dataclass(frozen=True, kw_only=True)
class MovedBase:
    """A base image that moved: indexes before and after, each ``host/repository@sha256:…``.

    ``images`` are those that are built on it, on these ``platforms``.
    """

    name: str
    before: str
    after: str
    platforms: tuple[str, ...]
    images: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class BaseMove:
    """The packages that moved inside a base on ``platforms``, and the ``images`` built on it.

    ``before`` and ``after`` are compressed bytes on the first of the platforms. ``everywhere`` is
    false where it did not move on another platform, or that is not known.
    """

    base: str
    images: tuple[str, ...]
    platforms: tuple[str, ...]
    everywhere: bool
    packages: tuple[PackageMove, ...]
    before: int
    after: int

    @property
    def name(self) -> str:
        """The base, with its platforms where these are not all."""
        return self.base if self.everywhere else f"{self.base} ({', '.join(self.platforms)})"

    @property
    def count(self) -> str:
        """The number of packages that moved, in words."""
        moved = len({(move.kind, move.name) for move in self.packages})
        return "no package moved" if not moved else f"{moved} package{'s' * (moved > 1)} moved"

    @property
    def named(self) -> tuple[str, ...]:
        """The moves that have room in a line, and how many more there are."""
        texts = tuple(move.text for move in self.packages[:_NAMED])
        rest = len(self.packages) - _NAMED
        return (*texts, f"{rest} more") if rest > 0 else texts

    @property
    def size(self) -> str:
        """The size before and after."""
        return f"{in_units(self.before)} -> {in_units(self.after)} on {self.platforms[0]}"


@dataclass(frozen=True, kw_only=True)
class UnreadBases:
    """Bases, with platforms, of which it is not known what moved, for the same reason."""

    bases: tuple[str, ...]
    why: str


@dataclass(frozen=True, kw_only=True)
class BaseMoves:
    """The packages that moved inside bases, where that is not known, and bytes ``read``."""

    bases: tuple[BaseMove, ...] = ()
    unread: tuple[UnreadBases, ...] = ()
    read: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it for a terminal, a line for each base."""
        told = (
            f"base {m.name}: {m.count}{': ' * bool(m.named)}{', '.join(m.named)}; {m.size}"
            for m in self.bases
        )
        unknown = (
            f"what moved in {', '.join(each.bases)} is not known: {each.why}"
            for each in self.unread
        )
        return (*told, *unknown, *filter(None, [self.read]))


NO_MOVES: Final = BaseMoves()


def parse_moves(values: Any) -> BaseMoves:
    """Return what `dataclasses.asdict` made plain values of.

    :raises KeyError: if a field is missing.
    :raises TypeError: if one is of another type.
    """
    return BaseMoves(
        bases=tuple(
            BaseMove(**_fields(f, packages=[PackageMove(**_fields(p)) for p in f["packages"]]))
            for f in values["bases"]
        ),
        unread=tuple(UnreadBases(**_fields(each)) for each in values["unread"]),
        read=str(values["read"]),
    )


def _fields(values: Any, **more: Any) -> dict[str, Any]:
    found = {**values, **more}.items()
    return {key: tuple(value) if isinstance(value, list) else value for key, value in found}
