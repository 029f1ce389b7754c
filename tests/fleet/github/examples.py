"""Reports of runs, as the provider writes them."""

from collections.abc import Iterable
from typing import Any

from fleet.reports import report
from providers.ociregistry.report import Entry

REGISTRY = "ghcr.io/team/python-app"
OLD, NEW = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
BUILD = Entry(
    ref=f"{REGISTRY}:py3.13-1.0.0",
    kind="version",
    action="build",
    platforms=("linux/amd64", "linux/arm64"),
    reasons=("the base image changed",),
    previous=OLD,
)
MOVE = Entry(
    ref=f"{REGISTRY}:py3.13-LATEST",
    kind="pointer",
    action="re-point",
    reasons=("1.0.0 is the highest now",),
    digest=NEW,
    previous=OLD,
    version="py3.13-1.0.0",
    previous_version="py3.13-0.9.0",
)
KEEP = Entry(
    ref=f"{REGISTRY}:py3.9-1",
    kind="pointer",
    action="keep",
    reasons=("declared: keep",),
    digest=OLD,
)
SAME = Entry(ref=f"{REGISTRY}:py3.12-1.0.0", kind="version", action="unchanged", digest=OLD)


def remove(tag: str, digest: str = OLD) -> Entry:
    return Entry(
        ref=f"{REGISTRY}:{tag}",
        kind="pointer",
        action="remove",
        reasons=("nothing declares it",),
        previous=digest,
    )


def report_of(entries: Iterable[Entry], **fields: Any) -> report.Report:
    """Return the report of a preview."""
    return report.Report(mode="preview", entries=tuple(entries), **fields)


def written(*entries: Entry, **fields: Any) -> dict[str, Any]:
    """Return the document that is written of it."""
    return report.document(report_of(entries, **fields))
