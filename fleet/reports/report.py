"""The report of a run: its one line, and its document as data for JSON, written and read."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from fleet.sbom.base_moves import NO_MOVES, BaseMoves, MovedBase, parse_moves
from providers.ociregistry.report import COUNTED, Action, Entry, counts

SHAPE: Final = 2
"""The number of the document's shape."""

CHANGING: Final = ("fail", "remove", "re-point", "build", "sign", "copy")
"""The actions by which a registry and its declaration differ."""

Mode = Literal["preview", "update", "refresh"]
DONE: Final[dict[Action, str]] = {
    "build": "built",
    "re-point": "re-pointed",
    "sign": "signed",
    "copy": "copied",
    "remove": "removed",
    "keep": "kept",
    "fail": "failed",
}
"""The words of what was done, for an update."""

FAILED_CHANGE: Final = "fail"
"""The word in place of its operation for a change of another resource that failed."""

TELLS_NOTHING: Final = re.compile(
    r"\A(preview|update|refresh|destroy) failed\Z|see-the-error-of-its-"
)
"""An error that another one caused: the engine's verdict on a run in which a step failed, or that
of a build on the reference that stands in for one that failed (`components.tag_build`)."""

_FIELDS: Final = {"previous_version": "previousVersion"}


class ReportError(Exception):
    """A document is not a report of a run; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The outcome of a run.

    `changes` are `operation type name` of resources beside registry and builds, such as files on
    GitHub, with `fail` for the operation of one that failed. `unverified` are reasons why a refresh
    could not read something, `errors` all errors.
    `moved` are base images that builds start from by another digest, `bases` is what moved inside
    of them, where somebody looked.
    `complete` is false where the run ended before the program did. Of several stacks, `lines` has
    each one's line by its name, empty for one whose run did not get to its end.
    """

    mode: Mode
    entries: tuple[Entry, ...]
    changes: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    complete: bool = True
    moved: tuple[MovedBase, ...] = ()
    bases: BaseMoves = NO_MOVES
    lines: Mapping[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The counts in one line, in the words of a foresight or of what was done."""
        found = counts(self.entries)
        words = DONE if self.mode == "update" else {}
        parts = [f"{found[action]} {words.get(action, action)}" for action in COUNTED]
        more: tuple[Action, ...] = ("sign", "copy")
        parts += [f"{found[each]} {words.get(each, each)}" for each in more if found[each]]
        parts += [f"{self.failed} failed"] if self.failed else []
        return ", ".join(parts) + ("" if self.complete else "; the run ended early")

    def of(self, action: str) -> tuple[Entry, ...]:
        """Return the entries of one action."""
        return tuple(entry for entry in self.entries if entry.action == action)

    @property
    def failed(self) -> int:
        """The number of tags and changes that failed."""
        changes = (change.partition(" ")[0] == FAILED_CHANGE for change in self.changes)
        return len(self.of("fail")) + sum(changes)

    @property
    def cut_short(self) -> bool:
        """True if a resource that failed ended a preview: the engine goes on in no preview."""
        return self.mode == "preview" and not self.complete and self.failed > 0

    @property
    def other_errors(self) -> tuple[str, ...]:
        """The errors that no entry tells, without those that another one caused."""
        told = {reason for entry in self.entries for reason in entry.reasons}
        return tuple(e for e in self.errors if e not in told and not TELLS_NOTHING.search(e))

    @property
    def removals(self) -> dict[str, str]:
        """The pointers that are removed, each with the digest that it named."""
        return {entry.ref: entry.previous for entry in self.of("remove")}

    @property
    def missing(self) -> tuple[str, ...]:
        """The stacks whose run did not get to its end."""
        return tuple(stack for stack, line in self.lines.items() if not line)

    @property
    def differs(self) -> bool:
        """True if the registry is to be changed."""
        return any(entry.action in CHANGING for entry in self.entries)


def document(report: Report) -> dict[str, Any]:
    """Return a report as data for JSON.

    docs/output.md describes its fields. `entries` are sorted, each with all fields of `Entry`; its
    `action` is `build` (platforms are built, and the tag follows), `re-point` (the tag or platforms
    of it are put on another digest or put back, without a build), `sign` (the tag stays, and its
    evidence is signed), `remove` (a pointer is removed), `unchanged`, `keep` (nothing declares the
    tag, and it stays) or `fail`.
    """
    listed = sorted(report.entries, key=lambda entry: (entry.ref, entry.action))
    return {
        "version": SHAPE,
        "mode": report.mode,
        "complete": report.complete,
        "summary": report.summary,
        "counts": {**counts(listed), "fail": report.failed},
        "entries": [
            {_FIELDS.get(name, name): value for name, value in asdict(entry).items()}
            for entry in listed
        ],
        "changes": list(report.changes),
        "bases": asdict(report.bases),
        "unverified": list(report.unverified),
        "errors": list(report.errors),
    }


def parse(document: Any) -> Report:
    """Return the report that ``document``, read from JSON, holds.

    :raises ReportError: when it is of another shape.
    """
    try:
        if document["version"] != SHAPE:
            raise ReportError(f"its shape has the number {document['version']}, not {SHAPE}")
        return Report(
            mode=document["mode"],
            entries=tuple(_entry(fields) for fields in document["entries"]),
            complete=bool(document["complete"]),
            changes=tuple(map(str, document["changes"])),
            bases=parse_moves(document["bases"]),
            unverified=tuple(map(str, document["unverified"])),
            errors=tuple(map(str, document["errors"])),
        )
    except (KeyError, TypeError) as error:
        raise ReportError(f"it is not a report of a run: {error!r}") from error


def joined(reports: Mapping[str, Report | None]) -> Report | None:
    """Return one report of all stacks, by name; None if there is none of any."""
    found = {stack: report for stack, report in reports.items() if report}
    if not found:
        return None
    every = found.values()
    return Report(
        mode=next(iter(every)).mode,
        entries=tuple(entry for report in every for entry in report.entries),
        changes=_once(report.changes for report in every),
        bases=_joined(report.bases for report in every),
        unverified=_once(report.unverified for report in every),
        errors=_once(report.errors for report in every),
        complete=all(report and report.complete for report in reports.values()),
        lines={
            stack: report.summary if report and report.complete else ""
            for stack, report in reports.items()
        },
    )


def _joined(found: Iterable[BaseMoves]) -> BaseMoves:
    """Return what moved inside the bases of several stacks, of those on the same base once."""
    every = tuple(found)
    return BaseMoves(
        bases=tuple(dict.fromkeys(move for moves in every for move in moves.bases)),
        unread=tuple(dict.fromkeys(each for moves in every for each in moves.unread)),
        read="; ".join(dict.fromkeys(moves.read for moves in every if moves.read)),
    )


def _once(texts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for each in texts for text in each))


def _entry(fields: Mapping[str, Any]) -> Entry:
    texts = ("ref", "kind", "action", "digest", "previous", "version")
    return Entry(
        **{name: str(fields[name]) for name in texts},  # type: ignore[arg-type]
        platforms=tuple(map(str, fields["platforms"])),
        reasons=tuple(map(str, fields["reasons"])),
        previous_version=str(fields["previousVersion"]),
        later=bool(fields["later"]),
        signs=bool(fields["signs"]),
    )
