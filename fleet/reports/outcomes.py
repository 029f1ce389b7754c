"""What the steps of a run mean for each tag, pure: by the same reasons as the provider's lines."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleet.registry.reference import Repository
from fleet.registry.undo_log import remover_of
from fleet.reports.mirrors import LEFT, MIRROR_LEFT, POINTERS_STAY, kept, mirror_entries
from fleet.reports.report import Mode
from fleet.reports.steps import IMAGE_TAG, State, Step
from providers.ociregistry.fields import MIRROR, PROVIDER, STALE_POINTERS, TAG
from providers.ociregistry.properties import recorded_tag, tag_inputs
from providers.ociregistry.report import Entry, Kind
from providers.ociregistry.tag.model import Recorded, TagInputs
from providers.ociregistry.tag.predict import describe_update, predict, unchanged

_IMAGE_LEFT = "its image is no longer declared"
_RECONFIGURED = "the provider's configuration changes in this run"


def entries_of(steps: Sequence[Step], mode: Mode) -> Iterator[Entry]:
    """Yield the outcome for each tag that the steps are about."""
    declared = {
        str(step.new.inputs.get("ref"))
        for step in steps
        if step.token == TAG and step.declared and step.new
    }
    looked_after = {
        str(step.new.inputs.get("repository"))
        for step in steps
        if step.token == STALE_POINTERS and step.new
    }
    removers = (step for step in steps if step.token == STALE_POINTERS)
    noticed = {entry.ref: entry for step in removers for entry in _noticed(step)}
    yield from noticed.values()
    for step in steps:
        if step.token == TAG:
            found = _tag(step, mode, declared)
            yield from (e for e in found if not (e.action == "keep" and e.ref in noticed))
        elif step.token == STALE_POINTERS and step.went_wrong:
            yield _failure(step)
            yield from _removed(step)
        elif step.token == STALE_POINTERS and step.op:
            yield from (e for e in _remover(step, mode) if e.ref not in declared)
        elif step.token == STALE_POINTERS and mode == "refresh" and step.read:
            yield from _listed(step.read.outputs)
        elif step.token == MIRROR:
            yield from mirror_entries(step, mode, looked_after)
    yield from _departures(steps, declared)


def _tag(step: Step, mode: Mode, declared: set[str]) -> Iterator[Entry]:
    if step.went_wrong:
        yield _failure(step)
    elif step.gone and not step.op:
        outputs = step.gone.outputs
        ref, digest = str(outputs.get("ref")), str(outputs.get("digest"))
        if step.gone.inputs.get("platforms") and ref not in declared:
            yield kept(ref, digest, LEFT, kind="version")
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
            yield predict(inputs, prior)
    elif mode == "refresh" and step.before:
        yield predict(_inputs(step.before), _prior_state(step))


def _inputs(state: State) -> TagInputs:
    return tag_inputs(state.inputs, may_lack_owner=True)


def _prior_state(step: Step) -> Recorded | None:
    """Return the prior state of a tag; None where no state knew it, or only the tag that it was."""
    known = step.old or step.read
    found = known or step.before
    if found is None or step.op == "create-replacement":
        return None
    if step.new and step.new.inputs.get("ref") != found.outputs.get("ref"):
        return None
    return recorded_tag(found.outputs, found.inputs.get("inputs"), gone=known is None)


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
        yield _remove(ref, removal["digest"], "nothing declared it")


def _listed(outputs: Mapping[str, Any]) -> Iterator[Entry]:
    interrupted = outputs.get("interrupted") or {}
    for tag, digest in (outputs.get("stale") or {}).items():
        ref = f"{outputs['repository']}:{tag}"
        yield _remove(ref, interrupted.get(tag) or digest, "nothing declares it")
    yield from _kept(outputs)


def _kept(outputs: Mapping[str, Any]) -> Iterator[Entry]:
    for each in outputs.get("kept") or ():
        ref = f"{outputs['repository']}:{each['tag']}"
        yield kept(ref, each["digest"], str(each["reason"]))


def _noticed(step: Step) -> Iterator[Entry]:
    """Yield the outcome for each version tag that a remover's update gives a notice of its end."""
    if not (step.old and step.new and step.op == "update"):
        return
    before, after = step.old.outputs, step.new.outputs
    for tag, day in sorted((after.get("ended") or {}).items()):
        # A declared one waits for its notice to be taken back.
        if tag not in (before.get("ended") or {}) and tag not in (after.get("digests") or {}):
            digest = (before.get("digests") or {}).get(tag, "")
            notice = f"with a notice of its end of life on {day}"
            yield kept(f"{after.get('repository')}:{tag}", digest, LEFT, notice, kind="version")


def _remove(ref: str, digest: Any, reason: str, *, later: bool = False) -> Entry:
    return Entry(
        ref=ref,
        kind="pointer",
        action="remove",
        reasons=(reason,),
        previous=str(digest),
        later=later,
    )


def _failure(step: Step) -> Entry:
    known = step.new or step.gone or step.old or step.read
    inputs = known.inputs if known else {}
    # What fails its check has no inputs here.
    is_version = inputs.get("platforms") or f"{IMAGE_TAG}$" in step.urn
    kind: Kind = "version" if is_version else "pointer"
    return Entry(
        ref=str(inputs.get("ref") or inputs.get("repository") or step.name),
        kind="repository" if step.token == STALE_POINTERS else kind,
        action="fail",
        reasons=tuple(step.errors),
    )


def _departures(steps: Sequence[Step], declared: set[str]) -> Iterator[Entry]:
    """Yield the outcome for each pointer of a remover that leaves; what is `declared` stays.

    The engine deletes such a remover after everything else, and asks the provider nothing before.
    What the remover's refresh recorded says which pointers there are: each that an update may
    remove is listed. One that turns out to be another owner's stays then, with a warning.
    """
    removers = [step for step in steps if step.token == STALE_POINTERS]
    staying = [step.new for step in removers if step.new is not None]
    reconfigured = any(
        step.old.inputs.get("logins") != step.new.inputs.get("logins")
        for step in steps
        if step.token == PROVIDER and step.old and step.new
    )
    digests = {
        str(step.gone.outputs.get("ref")): str(step.gone.outputs.get("digest"))
        for step in steps
        if step.gone and step.token == TAG
    }
    for step in removers:
        if step.gone and not step.went_wrong:
            why = _RECONFIGURED if reconfigured else _kept_by(step.urn, step.gone, staying)
            if why is not None:
                yield from _leaving(step.gone.outputs, digests, declared, why)


def _kept_by(urn: str, gone: State, staying: Sequence[State]) -> str | None:
    """Return which remover keeps the pointers, empty where none does, None where all is as it was.

    One that looks after the same repository, under whatever name, takes over what is declared. What
    is at a mirror of a repository that is declared stays.
    """
    source = gone.inputs.get("source")
    keeping = [state for state in staying if not state.inputs.get("source")]
    if any(state.inputs.get("keepOnDestroy") for state in (gone, *keeping)):
        return POINTERS_STAY if source else None
    if source and any(state.inputs.get("repository") == source for state in staying):
        return MIRROR_LEFT
    text = str(gone.outputs["repository"])
    repository = Repository.parse(text)
    for state in staying:
        other = str(state.inputs.get("repository"))
        if other == text:
            return None
        same_name = Repository.parse(other).name == repository.name
        if same_name and remover_of(urn, repository) in (state.outputs.get("removers") or ()):
            return f"{other} is the same repository under another name of its host"
    return ""


def _leaving(
    outputs: Mapping[str, Any], digests: Mapping[str, str], declared: set[str], why: str
) -> Iterator[Entry]:
    repository, pointers = str(outputs["repository"]), set(outputs.get("pointers") or ())
    objections, interrupted = outputs.get("objections") or {}, outputs.get("interrupted") or {}
    found = {tag: digests.get(f"{repository}:{tag}", "") for tag in pointers}
    found |= outputs.get("live") or {}
    for tag, digest in sorted(found.items()):
        ref = f"{repository}:{tag}"
        objection = "" if tag in pointers else str(objections.get(tag, ""))
        if ref in declared or not digest:
            continue
        if why or objection:
            yield kept(ref, digest, why or objection)
        else:
            yield _remove(ref, interrupted.get(tag) or digest, _IMAGE_LEFT, later=True)
