"""What the lock holds of advisories, by image: rows for people, and the same as data."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fleet.advisories.package import pinned
from fleet.declaration.grouping import grouped
from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import Declaration, Image
from fleet.lock.advisories import Advisory, Findings
from fleet.lock.model import Lock
from fleet.lock.official_bases import short
from fleet.reports.table import columns

UNDECLARED: Final = (
    "no source of advisories is declared, so nobody was asked.\n"
    "Declare one in the stack's file, then run `make versions`:\n"
    "  fleet:advisories: { source: https://api.osv.dev }\n"
    "docs/advisories.md has the rest: a mirror in a folder, Debian's archive, waivers"
)
_HEADINGS: Final = ("advisory", "severity", "package", "fixed in", "where", "waived")


@dataclass(frozen=True, kw_only=True)
class Row:
    """An advisory on a package of an image; ``waived`` is the reason and the last day, or empty."""

    advisory: Advisory
    package: str
    where: tuple[str, ...]
    waived: str

    @property
    def is_open(self) -> bool:
        """Tell whether something is to be done about it."""
        return self.advisory.is_fixable and not self.waived

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells under the headings."""
        one = self.advisory
        where = ", ".join(self.where)
        return one.id, one.severity or "-", self.package, one.fixed or "-", where, self.waived

    @property
    def values(self) -> dict[str, Any]:
        """It as data."""
        one = self.advisory
        return {
            "id": one.id, "aliases": list(one.aliases), "severity": one.severity,
            "package": self.package, "fixed": one.fixed, "fixable": one.is_fixable,
            "where": list(self.where), "waived": self.waived,
        }  # fmt: skip


def audit(declaration: Declaration, lock: Lock, today: str) -> dict[str, list[Row]]:
    """Return the rows of each image, what can be fixed and is not waived on ``today`` first."""
    found = lock.advisories or Findings()
    rows = {}
    for image in declaration.images:
        places = grouped(_places(image, lock, found))
        rows[image.name] = sorted(
            (
                _row(declaration, advisory, package, tuple(dict.fromkeys(where)), today)
                for package, where in places.items()
                for advisory in found.found[package]
            ),
            key=lambda row: (not row.is_open, row.advisory.rank, row.package),
        )
    return rows


def _places(image: Image, lock: Lock, found: Findings) -> Iterator[tuple[str, str]]:
    """Yield each package of an image of which something is known, and where it comes from."""
    for entry in matrix_entries(image):
        for package in sorted(map(str, pinned(lock.pins.get(entry.pin_key, ())))):
            if package in found.found:
                yield package, f"Python {entry.python}"
        base, name = found.bases.get(entry.base_key), lock.bases.get(entry.base_key)
        for package in base.packages if base and name else ():
            if package in found.found:
                yield package, short(name.name if name else "")


def _row(
    declaration: Declaration, advisory: Advisory, package: str, where: tuple[str, ...], today: str
) -> Row:
    source = declaration.advisories
    waiver = source.waiver(advisory.names, today) if source else None
    waived = f"until {waiver.until}: {waiver.because}" if waiver else ""
    return Row(advisory=advisory, package=package, where=where, waived=waived)


def text(rows: Mapping[str, Iterable[Row]], problems: Iterable[str]) -> str:
    """Return the rows as a table for each image, after what is wrong with waivers."""
    blocks = ["".join(f"problem: {each}\n" for each in problems)]
    for name, found in rows.items():
        listed = list(found)
        fixable = sum(row.is_open for row in listed)
        title = f"advisories of {name} ({len(listed)}, {fixable} to be fixed)\n"
        shown = [_HEADINGS, *(row.cells for row in listed)]
        blocks.append(title + (f"{columns(shown)}\n" if listed else ""))
    waiting = [row for found in rows.values() for row in found if row.is_open]
    if any(row.package.startswith("PyPI ") for row in waiting):
        blocks.append("`make versions` takes releases without them, where others allow it\n")
    if any(not row.package.startswith("PyPI ") for row in waiting):
        blocks.append("`make versions` and `make lock REFRESH=1` ask whether a base was rebuilt\n")
    return "\n".join(filter(None, blocks)).removesuffix("\n")
