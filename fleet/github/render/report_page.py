"""The report of a run as a page: the pull request's comment, the job's page, the drift issue."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fleet.pages.markdown import code, heading_rows, row
from fleet.reports.report import Report
from providers.ociregistry.report import Entry

COMMENT_LIMIT: Final = 65_536
"""Characters that GitHub takes in a comment or an issue ("body is too long")."""

JOB_LIMIT: Final = 1_000_000
"""Bytes that GitHub takes in a step's part of a job's page, 1 MiB, with room to spare."""

_NOTE_ROOM = 200
_NONE = "-"
_DIGEST_SHOWN = len("sha256:") + 12


@dataclass(frozen=True, kw_only=True)
class Section:
    """A table below a heading: ``rows`` are lines of Markdown with their line breaks."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[str, ...]


def sections(report: Report) -> list[Section]:
    """Return a section for each action that the report has, what matters most first."""
    return [
        Section(
            title=f"{title} ({len(entries)})",
            headings=tuple(columns),
            rows=tuple(row(cell(entry) for cell in columns.values()) for entry in entries),
        )
        for action, title, columns in _TABLES
        if (entries := report.of(action))
    ]


def page(opening: str, parts: Sequence[Section], limit: int) -> str:
    """Return ``opening`` and the sections, within ``limit`` bytes of UTF-8.

    A row goes in whole or not at all; how many are left out is said at the end.
    """
    text, left_out = opening, 0
    for part in parts:
        head = f"\n### {part.title}\n\n{heading_rows(part.headings)}"
        for number, line in enumerate(part.rows):
            more = line if number else head + line
            if left_out or _size(text) + _size(more) > limit - _NOTE_ROOM:
                left_out += 1
            else:
                text += more
    if left_out:
        text += f"\n{left_out} more rows have no room here: GitHub takes {limit:,} characters.\n"
    return text


def _size(text: str) -> int:
    return len(text.encode())


def _name(entry: Entry) -> str:
    return code(entry.ref)


def _why(entry: Entry) -> str:
    return "<br>".join(code(reason) for reason in entry.reasons if code(reason)) or _NONE


def _platforms(entry: Entry) -> str:
    return "<br>".join(map(code, entry.platforms))


def _before(entry: Entry) -> str:
    return _version(entry.previous_version, entry.previous)


def _after(entry: Entry) -> str:
    return _version(entry.version, entry.digest)


def _version(version: str, digest: str) -> str:
    short = code(digest[:_DIGEST_SHOWN]) or _NONE
    return f"{code(version)} {short}" if version else short


def _removed(entry: Entry) -> str:
    # Whole, because a person needs it to undo the removal.
    return code(entry.previous) or _NONE


_TABLES: tuple[tuple[str, str, dict[str, Callable[[Entry], str]]], ...] = (
    ("fail", "Failed", {"name": _name, "error": _why}),
    ("retire", "Pointers removed", {"name": _name, "digest": _removed, "why": _why}),
    (
        "re-point",
        "Names re-pointed",
        {"name": _name, "from": _before, "to": _after, "why": _why},
    ),
    ("build", "Built", {"tag": _name, "platforms": _platforms, "why": _why}),
    ("keep", "Undeclared, and kept", {"name": _name, "why": _why}),
)
