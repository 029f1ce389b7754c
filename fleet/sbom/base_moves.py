"""What moved inside base images, once for the platforms that agree: data of reports, and lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from fleet.sbom.changes import PackageMove, changes
from fleet.sbom.moves import Compared, Reading
from fleet.units import in_units

_NAMED = 8
"""Packages that a line names: a new release of Debian moves a hundred."""


@dataclass(frozen=True, kw_only=True)
class BaseMove:
    """What moved inside a base on ``platforms``, and the ``images`` that are built on it.

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
        """How many packages moved, in words."""
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
    """What moved inside bases, where that is not known, and how much was ``read`` for it."""

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


def parse_moves(values: Any) -> BaseMoves:
    """Return what `dataclasses.asdict` made plain values of.

    :raises KeyError: if a field is missing.
    :raises TypeError: if one is of another type.
    """
    return BaseMoves(
        bases=tuple(_parsed(fields) for fields in values["bases"]),
        unread=tuple(
            UnreadBases(bases=tuple(map(str, each["bases"])), why=str(each["why"]))
            for each in values["unread"]
        ),
        read=str(values["read"]),
    )


def _parsed(fields: Any) -> BaseMove:
    texts = ("kind", "name", "before", "after", "system")
    return BaseMove(
        base=str(fields["base"]),
        images=tuple(map(str, fields["images"])),
        platforms=tuple(map(str, fields["platforms"])),
        everywhere=bool(fields["everywhere"]),
        packages=tuple(
            PackageMove(
                **{name: str(each[name]) for name in texts},
                platforms=tuple(map(str, each["platforms"])),
            )
            for each in fields["packages"]
        ),
        before=int(fields["before"]),
        after=int(fields["after"]),
    )


NO_MOVES: Final = BaseMoves()


def base_moves(reading: Reading) -> BaseMoves:
    """Return what a reading found, by base; sorted by name."""
    groups: dict[str, list[Compared]] = {}
    for one in reading.compared:
        groups.setdefault(one.base.name, []).append(one)
    found = [
        BaseMove(
            base=name,
            images=members[0].base.images,
            platforms=tuple(one.platform for one in members),
            everywhere=len(members) == len(members[0].base.platforms),
            packages=_packages(members),
            before=members[0].sizes[0],
            after=members[0].sizes[1],
        )
        for name, members in sorted(groups.items())
    ]
    return BaseMoves(bases=tuple(found), unread=tuple(_unread(reading)), read=_read(reading))


def _packages(members: Sequence[Compared]) -> tuple[PackageMove, ...]:
    """Return what moved on any of these platforms, once for those that agree."""
    moves: dict[PackageMove, list[str]] = {}
    for one in members:
        for move in changes(one.before, one.after):
            moves.setdefault(move, []).append(one.platform)
    found = (
        move if len(platforms) == len(members) else replace(move, platforms=tuple(platforms))
        for move, platforms in moves.items()
    )
    return tuple(sorted(found, key=lambda move: (move.order, move.platforms)))


def _unread(reading: Reading) -> Iterator[UnreadBases]:
    unread: dict[str, dict[str, list[str]]] = {}
    for one in reading.unread:
        unread.setdefault(one.why, {}).setdefault(one.base.name, []).append(one.platform)
    for why, bases in unread.items():
        listed = (f"{name} ({', '.join(platforms)})" for name, platforms in bases.items())
        yield UnreadBases(bases=tuple(listed), why=why)


def _read(reading: Reading) -> str:
    if not reading.size:
        return ""
    read, most = in_units(reading.size), reading.allowance.text
    return f"for this, {read} of layers were read (the limit is {most})"
