"""What moved inside base images, as Markdown. Pure."""

from dataclasses import replace
from typing import Final

from fleet.declaration.grouping import grouped
from fleet.pages.markdown import FOLDED, FOLDED_END, code, heading_rows, row
from fleet.sbom.base_moves import BaseMove, BaseMoves
from fleet.sbom.changes import PackageMove

HEADINGS: Final = ("base", "images on it", "packages", "compressed size")

_PACKAGES = 400
"""Rows of the table of packages: what is handed over may have a mebibyte."""


def moved_row(move: BaseMove) -> str:
    """Return the row of a base below `HEADINGS`."""
    named = ", ".join(map(code, move.named))
    packages = f"{move.count}: {named}" if named else move.count
    return row([code(move.name), ", ".join(map(code, move.images)), packages, code(move.size)])


def notes(moves: BaseMoves) -> tuple[str, ...]:
    """Return lines on what is not known, and how much was read."""
    unknown = (
        f"What moved in {', '.join(map(code, each.bases))} is not known: {code(each.why)}"
        for each in moves.unread
    )
    return (*unknown, *filter(None, [code(moves.read)]))


def inside(moves: BaseMoves) -> str:
    """Return the table of what moved inside base images, one row for each, and the notes."""
    rows = "".join(map(moved_row, moves.bases))
    table = f"{heading_rows(HEADINGS)}{rows}\n" if rows else ""
    listed = "".join(f"- {note}\n" for note in notes(moves))
    return f"### Packages in base images\n\n{table}{listed}" if rows or listed else ""


def _place(move: BaseMove, package: PackageMove) -> str:
    return f"{move.base} ({', '.join(package.platforms)})" if package.platforms else move.name


def each_package(moves: BaseMoves) -> str:
    """Return the folded table of all packages that moved in base images, once for all of these."""
    found = grouped(
        (replace(package, platforms=()), _place(move, package))
        for move in moves.bases
        for package in move.packages
    )
    if not found:
        return ""
    rows = [
        row(map(code, (package.label, package.before, package.after, ", ".join(names))))
        for package, names in found.items()
    ]
    rest = len(rows) - _PACKAGES
    more = f"\n{rest} more packages moved.\n" if rest > 0 else ""
    return (
        f"{FOLDED.format('Each package that moved in base images')}\n\n"
        f"{heading_rows(('package', 'before', 'after', 'in'))}{''.join(rows[:_PACKAGES])}{more}"
        f"\n{FOLDED_END}\n"
    )
