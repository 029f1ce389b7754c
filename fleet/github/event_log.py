"""The engine's own record of a run (``--event-log``): what it would change, what it warned of."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet.console import TroubleError

_CHANGES = frozenset({"create", "update", "replace", "create-replacement", "delete"})
# Tags and builds are in the report already, with reasons.
_REPORTED = ("ociregistry:", "docker-build:", "pulumi:", "fleet:")
_UNVERIFIED = re.compile("could not be verified|unable to verify")
_COLOUR = re.compile(r"<\{%[^%]*%\}>")


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a run found beside the registry.

    ``changes`` are ``operation type name`` of resources that the report does not know, such as
    files on GitHub. ``unverified`` are the warnings of a refresh that could not look, ``errors``
    the errors.
    """

    changes: tuple[str, ...]
    unverified: tuple[str, ...]
    errors: tuple[str, ...]


def read_record(path: Path) -> Record:
    """Return the record of the run whose event log is at ``path``.

    :raises TroubleError: when there is none, or it is no event log.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        events = [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise TroubleError(
            f"FLEET_EVENTS: {path} can't be read ({error}). Set PULUMI_OPTION_EVENT_LOG to it, and "
            "PULUMI_DEBUG_COMMANDS to true, for make preview."
        ) from error
    told = [event["diagnosticEvent"] for event in events if "diagnosticEvent" in event]
    said = [(str(entry.get("severity")), _plain(entry)) for entry in told]
    unverified = (text for level, text in said if level == "warning" and _UNVERIFIED.search(text))
    return Record(
        changes=tuple(dict.fromkeys(_changes(events))),
        unverified=tuple(dict.fromkeys(unverified)),
        errors=tuple(dict.fromkeys(text for level, text in said if level == "error" and text)),
    )


def joined(records: Iterable[Record]) -> Record:
    """Return what several runs found."""
    found = tuple(records)
    return Record(
        changes=tuple(dict.fromkeys(text for each in found for text in each.changes)),
        unverified=tuple(dict.fromkeys(text for each in found for text in each.unverified)),
        errors=tuple(dict.fromkeys(text for each in found for text in each.errors)),
    )


def _changes(events: list[dict[str, Any]]) -> Iterator[str]:
    for event in events:
        step = event.get("resourcePreEvent", {}).get("metadata")
        if step and step["op"] in _CHANGES and not step["type"].startswith(_REPORTED):
            yield f"{step['op']} {step['type']} {step['urn'].rpartition('::')[2]}"


def _plain(diagnostic: dict[str, Any]) -> str:
    return _COLOUR.sub("", str(diagnostic.get("message", ""))).strip()
