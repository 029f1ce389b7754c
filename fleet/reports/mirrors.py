"""What the steps of a run mean for the tags of a mirror, pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from fleet.registry.reference import is_digest
from fleet.reports.report import Mode
from fleet.reports.steps import State, Step
from providers.ociregistry.fields import decoded
from providers.ociregistry.mirror.model import FAILED, Copied, Mirrored
from providers.ociregistry.mirror.properties import mirror_inputs
from providers.ociregistry.report import Entry, Kind

LEFT = "no longer declared, kept in the registry"
MIRROR_LEFT = "no longer declared as a mirror, kept there"
POINTERS_STAY = "kept at this mirror though its image leaves"


def mirror_entries(step: Step, mode: Mode, looked_after: Collection[str]) -> Iterator[Entry]:
    """Yield the outcome for each tag of a mirror that is written or stays though it left.

    Where its source is not among the repositories that are `looked_after`, its image left.
    """
    if step.gone and not step.op:
        is_declared = step.gone.inputs.get("source") in looked_after
        yield from _staying(step.gone, MIRROR_LEFT if is_declared else LEFT)
        return
    if step.went_wrong:
        known = step.new or step.old
        ref = known.inputs.get("repository") if known else None
        yield Entry(
            ref=str(ref or step.name), kind="mirror", action="fail", reasons=tuple(step.errors)
        )
    if step.new and step.op in {"create", "update", "create-replacement"}:
        outputs = step.new.outputs
        yield from _copies(step.new.inputs, outputs.get("tags"), outputs.get("copied") or ())
    elif mode == "refresh" and step.read and step.before:
        inputs = mirror_inputs(step.before.inputs)
        found = decoded(Mirrored, step.read.outputs).due(inputs)
        yield from _copies(step.before.inputs, inputs.tags, [vars(each) for each in found])


def _copies(
    inputs: Mapping[str, Any], tags: Mapping[str, Any] | None, copied: Sequence[Mapping[str, Any]]
) -> Iterator[Entry]:
    for each in (Copied(**fields) for fields in copied):
        digest = str((tags or {}).get(each.tag, ""))
        yield Entry(
            ref=f"{inputs['repository']}:{each.tag}",
            kind=_kind(inputs, each.tag),
            action="fail" if each.reason == FAILED else "copy",
            reasons=(each.reason,),
            digest=digest if is_digest(digest) else "",
            previous=each.previous,
        )


def _staying(gone: State, why: str) -> Iterator[Entry]:
    """Yield the version tags of a mirror that is not declared any more, or its image is not."""
    for tag, digest in sorted((gone.outputs.get("tags") or {}).items()):
        if _kind(gone.inputs, tag) == "version":
            yield kept(f"{gone.inputs['repository']}:{tag}", digest, why, kind="version")


def kept(ref: str, digest: Any, *reasons: str, kind: Kind = "pointer") -> Entry:
    """Return the outcome for a tag that stays though nothing declares it."""
    named = str(digest)
    return Entry(ref=ref, kind=kind, action="keep", reasons=reasons, digest=named, previous=named)


def _kind(inputs: Mapping[str, Any], tag: str) -> Kind:
    return "pointer" if tag in (inputs.get("pointers") or ()) else "version"
