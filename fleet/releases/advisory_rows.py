"""Advisories in the text of `versions`: what it fixes and brings, and which fixes wait."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from fleet.advisories.package import pinned
from fleet.declaration.grouping import grouped
from fleet.lock.advisories import Advisory
from fleet.lock.model import Lock
from fleet.lock.official_bases import short

Known = Mapping[str, tuple[Advisory, ...]]
"""Advisories by package, as the lock names it."""

HEADINGS = ("image or base", "package", "advisory", "severity", "")
LEFT: Final = "not fixed: no longer declared, and published tags stay"


def advisory_rows(
    old: Lock, new: Lock, known: Known, counts: Callable[[Advisory], bool]
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each advisory that left, then of those that came or ``counts`` and stay.

    ``known`` is what is known now of what both hold. A base of which the packages were not known
    before brings and fixes nothing. Nor is anything fixed where what has it leaves the declaration:
    its tags stay as they are.
    """
    before, after = _by_place(old, known), _by_place(new, known)
    lasting = _by_place(_lasting(old, new), known)
    for key in sorted(before.keys() - after.keys()):
        yield key[0], *_cells(*before[key]), "fixed by this" if key in lasting else LEFT
    read = {name for name, _ in _packages(old)}
    for key, (package, each) in sorted(after.items(), key=lambda item: (item[1][1].rank, item[0])):
        came = key not in before and key[0] in read
        if came or counts(each):
            state = "brought by this" if came else "stays"
            fix = f"; fixed in {each.fixed}" if each.fixed else ""
            yield key[0], *_cells(package, each), f"{state}{fix}"


def _lasting(old: Lock, new: Lock) -> Lock:
    """Return of ``old`` what is still declared."""
    return replace(
        old,
        pins={key: pins for key, pins in old.pins.items() if key in new.pins},
        bases={key: base for key, base in old.bases.items() if key in new.bases},
    )


_Place = tuple[str, str, str]
"""Image or base, package without its version, advisory."""


def _cells(package: str, advisory: Advisory) -> tuple[str, ...]:
    return package, advisory.id, advisory.severity or "-"


def _by_place(lock: Lock, known: Known) -> dict[_Place, tuple[str, Advisory]]:
    return {
        (place, package.partition("==")[0], each.id): (package, each)
        for place, packages in grouped(_packages(lock)).items()
        for package in packages
        for each in known.get(package, ())
    }


def _packages(lock: Lock) -> Iterator[tuple[str, str]]:
    """Yield each image with its distributions, each base with its packages."""
    for (image, _, _), pins in sorted(lock.pins.items()):
        yield from ((image, str(package)) for package in sorted(pinned(pins)))
    for key, base in (lock.advisories.bases if lock.advisories else {}).items():
        if key in lock.bases:
            yield from ((short(lock.bases[key].name), package) for package in base.packages)
