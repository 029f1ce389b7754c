"""The notices of the end of life that a run writes, from the steps of removers; pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleet.reports.steps import Step
from providers.ociregistry.fields import STALE_POINTERS
from providers.ociregistry.report import Entry

LEFT = "no longer declared, kept in the registry"


def notices_of(steps: Sequence[Step]) -> dict[str, Entry]:
    """Return the entry of each version tag that gets a notice, by its reference."""
    removers = (step for step in steps if step.token == STALE_POINTERS)
    return {entry.ref: entry for step in removers for entry in _entries(step)}


def _entries(step: Step) -> Iterator[Entry]:
    if not (step.old and step.new and step.op == "update"):
        return
    before, after = step.old.outputs, step.new.outputs
    digests: Mapping[str, Any] = before.get("digests") or {}
    known = (before.get("ended") or {}).keys()
    for tag, day in sorted((after.get("ended") or {}).items()):
        # A declared one waits for its notice to be taken back.
        if tag not in known and tag not in (after.get("digests") or {}):
            digest = str(digests.get(tag, ""))
            yield Entry(
                ref=f"{after.get('repository')}:{tag}",
                kind="version",
                action="keep",
                reasons=(LEFT, f"with a notice of its end of life on {day}"),
                digest=digest,
                previous=digest,
            )
