"""The door that new releases come in by: what is known against them, asked once for each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.advisories.debian_index import DebianIndex
from fleet.advisories.folder import OsvFolder
from fleet.advisories.osv import Record, findings
from fleet.advisories.package import Package, distribution
from fleet.advisories.service import OsvService
from fleet.declaration.advisories import AdvisorySource
from fleet.http.blocking import Blocking
from fleet.lock.advisories import Advisory

Ask = Callable[[Iterable[Package]], Mapping[Package, Iterable[Record]]]
"""Returns the records about each of the packages; raises AdvisoryError where it can't."""

Waiting = Callable[[Iterable[Package]], Mapping[Package, Advisory]]
"""Returns a finding for each package of a base that has a fix waiting."""


def _nothing(packages: Iterable[Package]) -> Mapping[Package, Any]:
    del packages
    return {}


@dataclass(frozen=True, kw_only=True)
class Door:
    """The door of a declared source; waivers count as of ``today`` (YYYY-MM-DD).

    Where no source is ``declared``, nobody is asked, and nothing stays outside.
    """

    declared: AdvisorySource | None = None
    ask: Ask = _nothing
    waiting: Waiting = _nothing
    today: str = ""
    known: dict[Package, tuple[Advisory, ...]] = field(default_factory=dict)

    def findings(self, packages: Iterable[Package]) -> Mapping[Package, tuple[Advisory, ...]]:
        """Return all that is known of each of ``packages``, waived or not.

        :raises AdvisoryError: when that can't be found out.
        """
        asked = set(packages)
        if self.declared is None:
            return dict.fromkeys(asked, ())
        if missing := asked - self.known.keys():
            waiting = self.waiting(missing)
            for package, records in self.ask(missing).items():
                held = findings(package, records)
                fix = waiting.get(package)
                more = [fix] if fix and all(each.fixed != fix.fixed for each in held) else []
                self.known[package] = tuple(sorted((*held, *more), key=lambda each: each.rank))
        return {each: self.known[each] for each in asked}

    def objections(self, name: str, versions: Iterable[str]) -> Mapping[str, str]:
        """Return by version why releases stay outside: an advisory that can be helped.

        :raises AdvisoryError: when that can't be found out.
        """
        packages = {version: distribution(name, version) for version in versions}
        found = self.findings(packages.values())
        against = {
            version: [each for each in found[package] if self.counts(each)]
            for version, package in packages.items()
        }
        return {version: "; ".join(map(str, held)) for version, held in against.items() if held}

    def counts(self, advisory: Advisory) -> bool:
        """Tell whether another version helps, and nothing waives it."""
        waived = self.declared and self.declared.waiver(advisory.names, self.today)
        return advisory.is_fixable and not waived


def door_of(declared: AdvisorySource | None, client: Blocking, *, root: Path, today: str) -> Door:
    """Return the door of what is ``declared``; a folder is below ``root``, the checkout."""
    if declared is None:
        return Door()
    source = declared.source
    ask = OsvService(source, client) if declared.is_service else OsvFolder(root / source)
    waiting = DebianIndex(declared.debian, client) if declared.debian else _nothing
    return Door(ask=ask, waiting=waiting, declared=declared, today=today)
