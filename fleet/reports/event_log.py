"""The engine's event log (`--event-log`, or `--json` as a stream), read as the report of a run."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fleet.reports.bases import moved_bases
from fleet.reports.report import FAILED_CHANGE, TELLS_NOTHING, Mode, Report, ReportError
from fleet.reports.steps import State, Step, parts_of, plain
from providers.ociregistry.report import Entry

_CHANGES: Final = frozenset({"create", "update", "replace", "create-replacement", "delete"})
# Tags and builds are entries, with reasons.
_REPORTED: Final = ("ociregistry:", "docker-build:", "pulumi:", "fleet:")
_STACK: Final = "pulumi:pulumi:Stack"
# docker-build and the GitHub provider only warn of what they could not read, and keep the state.
_UNVERIFIED: Final = re.compile("unable to verify|could not be verified")
_NO_END: Final = "the engine ended before it told what became of this"


@dataclass
class _Log:
    """Gathers what the events tell, one event at a time."""

    steps: dict[str, Step] = field(default_factory=dict)
    changes: list[tuple[str, Step]] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    planning: bool = False
    program: bool = False
    ended: int = 0
    raised: bool = False
    result: str = ""

    def add(self, event: Mapping[str, Any]) -> None:
        for kind, value in event.items():
            if kind in {"resourcePreEvent", "resOutputsEvent", "resOpFailedEvent"}:
                self.planning = self.planning or bool(value.get("planning"))
                self._step(kind, value["metadata"])
            elif kind == "diagnosticEvent":
                self._say(value)
            elif kind == "summaryEvent":
                self.planning = bool(value.get("isPreview"))
                self.result = str(value.get("result", ""))

    def _step(self, kind: str, meta: Mapping[str, Any]) -> None:
        urn, op, token = str(meta["urn"]), str(meta["op"]), str(meta["type"])
        step = self.steps.setdefault(urn, Step(urn=urn, token=token))
        old, new = State.of(meta.get("old")), State.of(meta.get("new"))
        if kind == "resourcePreEvent" and op == "refresh":
            step.reading = True
        elif step.reading:
            step.reading, step.before, step.read = False, old, new
        else:
            self.program = True
            self.ended += token == _STACK and kind == "resOutputsEvent"
            step.take(op, old, new, failed=kind == "resOpFailedEvent")
            (step.begun.add if kind == "resourcePreEvent" else step.begun.discard)(op)
            announced = kind == "resourcePreEvent" and op in _CHANGES
            if announced and not token.startswith(_REPORTED):
                self.changes.append((op, step))

    def _say(self, diagnostic: Mapping[str, Any]) -> None:
        text = plain(diagnostic.get("message")).strip()
        if diagnostic.get("severity") == "error" and text:
            self.errors.append(text)
            urn = str(diagnostic.get("urn") or "")
            # That of a resource names it; the program's own error does not (engine 3.259).
            self.raised = self.raised or not (urn or TELLS_NOTHING.search(text))
            token, _ = parts_of(urn)
            if token:
                step = self.steps.setdefault(urn, Step(urn=urn, token=token))
                step.errors.append(text)
                if not token.startswith(_REPORTED):
                    self.changes.append((FAILED_CHANGE, step))
        elif diagnostic.get("severity") == "warning" and _UNVERIFIED.search(text):
            self.unverified.append(text)

    def outcomes(self) -> tuple[Step, ...]:
        """Return the steps; what an update began, and the engine told no end of, has failed."""
        for step in self.steps.values():
            if step.begun and self.mode == "update":
                step.failed = True
                step.errors.append(_NO_END)
        return tuple(self.steps.values())

    def changed(self) -> Iterator[str]:
        """Yield what becomes of what has no entry, once for each that failed."""
        for op, step in self.changes:
            word = FAILED_CHANGE if step.went_wrong else op
            yield f"{word} {step.token} {step.name}"

    @property
    def mode(self) -> Mode:
        if not self.program:
            return "refresh"
        return "preview" if self.planning else "update"

    @property
    def complete(self) -> bool:
        """True if the program got to its end: the engine then has outputs of the stack.

        The SDK hands over outputs of a program that raised, too.
        """
        # A preview has outputs of the stack when it is registered as well.
        ended = self.ended >= (2 if self.planning else 1) and not self.raised
        return self.result == "succeeded" or (bool(self.result) and ended)


def report_of(events: Iterable[Mapping[str, Any]]) -> Report:
    """Return the report of the run that these events are of.

    :raises ReportError: if an event is not of the form that this project's engine gives it.
    """
    # Loads Pulumi's SDK, which only a command that reads a run needs.
    from fleet.reports.outcomes import entries_of  # noqa: PLC0415

    log = _Log()
    try:
        for event in events:
            log.add(event)
        entries: tuple[Entry, ...] = tuple(entries_of(log.outcomes(), log.mode))
        moved = tuple(moved_bases(log.steps.values()))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ReportError(f"an event has another form than expected: {error!r}") from error
    return Report(
        mode=log.mode,
        entries=entries,
        changes=tuple(dict.fromkeys(log.changed())),
        unverified=tuple(dict.fromkeys(log.unverified)),
        errors=tuple(dict.fromkeys(log.errors)),
        complete=log.complete,
        moved=moved,
    )


def parse_events(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Read one event per line; a last line that a kill cut off ends them.

    :raises ReportError: if it is not an event log.
    """
    for number, line in enumerate(lines):
        try:
            event = json.loads(line)
        except ValueError as error:
            if number and not line.endswith(b"\n"):
                return
            raise ReportError(
                "it is not an event log of the engine: for a preview's, set "
                "PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true beside `pulumi preview --json`"
            ) from error
        if isinstance(event, dict):
            yield event
