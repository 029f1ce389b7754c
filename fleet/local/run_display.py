"""What a person sees of a run while it lasts, from the engine's events: lines, and progress.

A line tells of what ended or went wrong, and is the same in a terminal and in a log. Progress is
one line about what is under way. What the report says of tags at the end, reasons and errors, is in
neither.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fleet.console import duration
from fleet.reports.report import TELLS_NOTHING
from fleet.reports.steps import BUILD, parts_of, plain
from providers.ociregistry.fields import MIRROR, STALE_POINTERS, TAG

_OURS: Final = "ociregistry:"
# What the report has the errors of, each in its tag's row.
_REPORTED: Final = frozenset({TAG, STALE_POINTERS, MIRROR})
_STARTED: Final = "resourcePreEvent"
_ENDED: Final = ("resOutputsEvent", "resOpFailedEvent")
_WORK: Final = frozenset({"create", "update", "create-replacement"})
# A line of a build's own log: `#28 [linux/arm64 stage-4 4/4] RUN ...`, then what that step prints.
_STEP: Final = re.compile(r"#(?P<number>\d+) (?P<text>.*)")
_STEP_ENDED: Final = re.compile(r"DONE|CACHED|CANCELED")
_LAST_LINES: Final = 20
# What an engine prints at its end, without an event: a crash of its own is a trace of many lines.
_CRASHES: Final = ("panic:", "fatal error:")
_BROKEN: Final = ("error:", *_CRASHES)
_LAST_PRINTED: Final = 40


@dataclass
class _Build:
    """A step of docker-build that is under way, since a Unix time; `steps` are those of its log."""

    since: float
    steps: dict[str, list[str]] = field(default_factory=dict)

    def read(self, line: str) -> None:
        """Keep a line of the log with its step; the step that spoke last is at the end."""
        found = _STEP.match(line)
        if found is None:
            return
        number, text = found["number"], found["text"]
        lines = self.steps.pop(number, [])
        if text.startswith("["):
            self.steps[number] = lines or [line]
        elif text.startswith("ERROR"):
            # The error itself says it again.
            self.steps[number] = lines
        elif lines and not _STEP_ENDED.match(text):
            self.steps[number] = [*lines, line]

    def last_step(self) -> list[str]:
        """Return the step that spoke last, with its last lines: an error names no platform."""
        *_, last = self.steps.values() or [[]]
        return [*last[:1], *last[1:][-_LAST_LINES:]]


class RunDisplay:
    """Takes the events of a run, one at a time.

    `planned` are the logical names of the builds that the plan has, empty in a run that builds
    none; `before` are the seconds that builds took in an earlier run, by name.
    """

    def __init__(
        self, planned: frozenset[str] = frozenset(), before: Mapping[str, float] | None = None
    ) -> None:
        self._left, self._before = set(planned), before or {}
        self._under_way: dict[str, _Build] = {}
        self._done = 0
        self._read = 0
        self._events = False
        self._summed_up = False
        self._errors: set[str] = set()
        self._updating = False
        self.took: dict[str, float] = {}
        """The seconds that each build of this run took."""

    def lines(self, event: Mapping[str, Any]) -> Sequence[str]:
        """Return what is to be printed of an event, and stays."""
        self._events = True
        try:
            return tuple(self._lines(event))
        except (AttributeError, KeyError, TypeError, ValueError):
            # The report tells of an event of another form; the run goes on.
            return ()

    def _lines(self, event: Mapping[str, Any]) -> Iterator[str]:
        at = float(event.get("timestamp") or 0)
        self._summed_up = self._summed_up or "summaryEvent" in event
        for kind, value in event.items():
            if kind == "diagnosticEvent":
                yield from self._message(value)
            elif kind == _STARTED or kind in _ENDED:
                meta, planning = value["metadata"], bool(value.get("planning"))
                self._updating = self._updating or not (planning or meta["op"] == "refresh")
                if meta["type"] == BUILD and meta["op"] != "refresh" and not planning:
                    yield from self._build(kind, meta, at)
                self._read += kind in _ENDED and meta["op"] == "refresh"

    def progress(self, now: float) -> str:
        """Return what is under way at a Unix time, empty where there is nothing to tell."""
        if not self._under_way:
            return f"resources read: {self._read}" if self._read else ""
        total = self._done + len(self._left)
        slowest = min(self._under_way, key=lambda name: self._under_way[name].since)
        took = max(now - self._under_way[slowest].since, 0)
        known = self._before.get(slowest)
        usual = f" of about {_time(known)}" if known else ""
        return f"{self._done} of {total} builds; {slowest}: {_time(took)}{usual}"

    def left_over(self, printed: str, *, failed: bool) -> Iterator[str]:
        """Yield the lines of all that the engine ``printed`` that no event told.

        Those are all where it did not get to its events, such as before a locked state, and else
        the address of a page about the run. Of a run that failed they are also its errors to their
        end, and the last lines where the engine did not get to its summary.
        """
        lines = printed.splitlines()
        rest = len(lines) - (_LAST_PRINTED if failed and not self._summed_up else 0)
        block: range | None = None
        is_crash = False
        for number, line in enumerate(lines):
            if line.startswith(_BROKEN):
                block = None if self._is_told(line) else range(number, number + _LAST_PRINTED)
                is_crash = line.startswith(_CRASHES)
            elif block and not (line.strip() or is_crash):
                block = None
            in_block = failed and block is not None and number in block
            if not self._events or line.startswith("View ") or in_block or number >= rest:
                yield line

    def _is_told(self, line: str) -> bool:
        """Tell whether an event had the error of this line; the verdict follows any error."""
        text = line.removeprefix("error:").strip()
        return text in self._errors or bool(self._errors and TELLS_NOTHING.search(text))

    def _build(self, kind: str, meta: Mapping[str, Any], at: float) -> Iterator[str]:
        (_, name), op = parts_of(str(meta["urn"])), str(meta["op"])
        if op == "replace":
            # The replacement is made by a step of its own.
            return
        if kind == _STARTED:
            if op in _WORK:
                self._under_way[name] = _Build(since=at)
            return
        build, is_planned = self._under_way.pop(name, None), name in self._left
        self._left.discard(name)
        if op not in _WORK or build is None:
            return
        self._done += is_planned
        took = at - build.since
        if kind == "resOutputsEvent":
            self.took[name] = took
            if is_planned:
                total = self._done + len(self._left)
                yield f"built {name} in {_time(took)} ({self._done} of {total})"

    def _message(self, found: Mapping[str, Any]) -> Iterator[str]:
        text, severity = plain(found.get("message")).rstrip(), str(found.get("severity"))
        token, name = parts_of(str(found.get("urn") or ""))
        if found.get("ephemeral"):
            if name in self._under_way:
                self._under_way[name].read(text)
            return
        if severity == "error":
            self._errors |= {line.removeprefix("error:").strip() for line in text.splitlines()}
            if token in _REPORTED or TELLS_NOTHING.search(text):
                return
        if text and severity in {"error", "warning"}:
            if severity == "error" and name in self._under_way:
                yield from self._under_way[name].last_step()
            of = (
                f"{name}: " if name and not token.startswith("pulumi:") and name not in text else ""
            )
            yield f"{severity}: {of}{text.removeprefix(f'{severity}: ')}"
        # What a tag says is in the report. What a remover is to remove is on record before it goes.
        elif (
            text
            and severity.startswith("info")
            and (not token.startswith(_OURS) or (token == STALE_POINTERS and self._updating))
        ):
            yield text


def _time(seconds: float) -> str:
    # Events have no fractions of a second.
    return duration(seconds) if seconds >= 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - see `duration`
