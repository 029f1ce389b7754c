"""The report of a run, as ``providers/ociregistry/report.py`` writes it: read, and typed again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SHAPE: Final = 1
"""The number of the shape that is read here."""

CHANGING: Final = ("fail", "retire", "re-point", "build")
"""The actions by which a registry and its declaration differ."""


class ReportError(Exception):
    """A document is no report of a run; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What becomes of the name ``ref``: see ``providers.ociregistry.report.document``."""

    ref: str
    action: str
    platforms: tuple[str, ...]
    reasons: tuple[str, ...]
    digest: str
    previous: str
    version: str
    previous_version: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """A run's one line, and what becomes of each name.

    Of several stacks, ``lines`` has each one's by its name, empty for one whose run did not get so
    far; ``summary`` is empty then.
    """

    summary: str
    entries: tuple[Entry, ...]
    lines: Mapping[str, str] = field(default_factory=dict)

    def of(self, action: str) -> tuple[Entry, ...]:
        """Return the entries of one action."""
        return tuple(entry for entry in self.entries if entry.action == action)

    @property
    def removals(self) -> dict[str, str]:
        """The pointers that go, each with the digest that it named."""
        return {entry.ref: entry.previous for entry in self.of("retire")}

    @property
    def missing(self) -> tuple[str, ...]:
        """The stacks of which nothing is known."""
        return tuple(stack for stack, line in self.lines.items() if not line)

    @property
    def differs(self) -> bool:
        """Whether the registry is to be changed."""
        return any(entry.action in CHANGING for entry in self.entries)


def parse(document: Any) -> Report:
    """Return the report that ``document``, read from JSON, holds.

    :raises ReportError: when it is of another shape.
    """
    try:
        if document["version"] != SHAPE:
            raise ReportError(f"its shape has the number {document['version']}, not {SHAPE}")
        return Report(
            summary=str(document["summary"]),
            entries=tuple(_entry(fields) for fields in document["entries"]),
        )
    except (KeyError, TypeError) as error:
        raise ReportError(f"it is no report of a run: {error!r}") from error


def joined(reports: Mapping[str, Report | None]) -> Report | None:
    """Return one report of all stacks, by name; None if there is none of any."""
    found = {stack: report for stack, report in reports.items() if report}
    if not found:
        return None
    return Report(
        summary="",
        entries=tuple(entry for report in found.values() for entry in report.entries),
        lines={stack: report.summary if report else "" for stack, report in reports.items()},
    )


def _entry(fields: Mapping[str, Any]) -> Entry:
    return Entry(
        ref=str(fields["ref"]),
        action=str(fields["action"]),
        platforms=tuple(map(str, fields["platforms"])),
        reasons=tuple(map(str, fields["reasons"])),
        digest=str(fields["digest"]),
        previous=str(fields["previous"]),
        version=str(fields["version"]),
        previous_version=str(fields["previousVersion"]),
    )
