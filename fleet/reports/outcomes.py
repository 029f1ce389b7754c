"""What the steps of a run mean for each tag, pure: by the same reasons as the provider's lines."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleet.reports.departures import departures
from fleet.reports.report import Mode
from fleet.reports.steps import REMOVER, TAG, State, Step
from providers.ociregistry.properties import recorded_tag, tag_inputs
from providers.ociregistry.report import Entry, Kind
from providers.ociregistry.tag.model import TagInputs
from providers.ociregistry.tag.predict import describe_update, predict
from providers.ociregistry.tag.prior_state import PriorState, unchanged

_LEFT = "no longer declared, kept in the registry"


def entries_of(steps: Sequence[Step], mode: Mode) -> Iterator[Entry]:
    """Yield the outcome for each tag that the steps are about."""
    declared = {
        str(step.new.inputs.get("ref"))
        for step in steps
        if step.token == TAG and step.declared and step.new
    }
    for step in steps:
        if step.token == TAG:
            yield from _tag(step, mode, declared)
        elif step.token == REMOVER and (step.failed or step.errors):
            yield _failure(step)
            yield from _removed(step)
        elif step.token == REMOVER and step.op:
            yield from (e for e in _remover(step, mode) if e.ref not in declared)
        elif step.token == REMOVER and mode == "refresh" and step.read:
            yield from _listed(step.read.outputs)
    yield from departures(steps, declared)


def _tag(step: Step, mode: Mode, declared: set[str]) -> Iterator[Entry]:
    if step.failed or step.errors:
        yield _failure(step)
    elif step.gone and not step.op:
        outputs = step.gone.outputs
        ref, digest = str(outputs.get("ref")), str(outputs.get("digest"))
        if step.gone.inputs.get("platforms") and ref not in declared:
            yield Entry(
                ref=ref, kind="version", action="keep", reasons=(_LEFT,), digest=digest,
                previous=digest,
            )  # fmt: skip
    elif step.op == "import" and step.new:
        # It is taken into the state, and nothing is built or written.
        yield unchanged(_inputs(step.new), recorded_tag(step.new.outputs))
    elif step.op == "same" and step.new and step.old:
        yield unchanged(_inputs(step.new), recorded_tag(step.old.outputs))
    elif step.op and step.new:
        inputs, prior = _inputs(step.new), _prior_state(step)
        if mode == "update":
            yield describe_update(inputs, prior, recorded_tag(step.new.outputs).state)
        else:
            yield predict(inputs, prior, lost=bool(step.new.outputs.get("lost"))).entry
    elif mode == "refresh" and step.before:
        yield predict(_inputs(step.before), _prior_state(step)).entry


def _inputs(state: State) -> TagInputs:
    return tag_inputs(state.inputs, may_lack_owner=True)


def _prior_state(step: Step) -> PriorState:
    """Return the prior state of a tag."""
    if step.op == "create-replacement":
        return PriorState()
    known = step.old or step.read
    found = known or step.before
    if found is None:
        return PriorState()
    return PriorState(
        recorded=recorded_tag(found.outputs),
        inputs=found.inputs.get("inputs") or {},
        gone=known is None,
    )


def _remover(step: Step, mode: Mode) -> Iterator[Entry]:
    outputs = step.new.outputs if step.new else {}
    if mode == "preview" and step.op != "same":
        yield from _listed(outputs)
        return
    yield from _removed(step)
    yield from _kept(outputs)


def _removed(step: Step) -> Iterator[Entry]:
    """Yield what the record of removed tags grew by, also where a later removal failed."""
    outputs = step.new.outputs if step.new else {}
    known = len(step.old.outputs.get("removed") or ()) if step.old else 0
    for removal in (outputs.get("removed") or ())[known:]:
        ref = f"{outputs['repository']}:{removal['tag']}"
        yield _removal(ref, str(removal["digest"]), "nothing declared it")


def _listed(outputs: Mapping[str, Any]) -> Iterator[Entry]:
    interrupted, last = outputs.get("interrupted") or {}, outputs.get("lastTags") or {}
    for tag, digest in (outputs.get("stale") or {}).items():
        reasons = ("nothing declares it", *([str(last[tag])] if tag in last else []))
        ref = f"{outputs['repository']}:{tag}"
        yield _removal(ref, str(interrupted.get(tag) or digest), *reasons)
    yield from _kept(outputs)


def _removal(ref: str, digest: str, *reasons: str) -> Entry:
    return Entry(ref=ref, kind="pointer", action="retire", reasons=reasons, previous=digest)


def _kept(outputs: Mapping[str, Any]) -> Iterator[Entry]:
    for kept in outputs.get("kept") or ():
        yield Entry(
            ref=f"{outputs['repository']}:{kept['tag']}",
            kind="pointer",
            action="keep",
            reasons=(str(kept["reason"]),),
            digest=str(kept["digest"]),
            previous=str(kept["digest"]),
        )


def _failure(step: Step) -> Entry:
    known = step.new or step.gone or step.old or step.read
    inputs = known.inputs if known else {}
    kind: Kind = "version" if inputs.get("platforms") else "pointer"
    return Entry(
        ref=str(inputs.get("ref") or inputs.get("repository") or step.name),
        kind="repository" if step.token == REMOVER else kind,
        action="fail",
        reasons=tuple(step.errors),
    )
