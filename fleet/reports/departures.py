"""The pointers that are removed because their image left the declaration, by the state, pure.

The engine deletes such a remover after everything else, and asks the provider nothing before. What
the remover's refresh recorded says which pointers there are: each that an update may remove is
listed. One that turns out to be another owner's stays then, with a warning.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleet.registry.reference import Repository
from fleet.registry.undo_log import remover_of
from fleet.reports.steps import REMOVER, State, Step
from providers.ociregistry.report import Entry

_REASON = "its image is no longer declared"
_PROVIDER = "pulumi:providers:ociregistry"
_RECONFIGURED = "the provider's configuration changes in this run"


def departures(steps: Sequence[Step], declared: set[str]) -> Iterator[Entry]:
    """Yield the outcome for each pointer of a remover that leaves; what is `declared` stays."""
    removers = [step for step in steps if step.token == REMOVER]
    staying = [step.new for step in removers if step.new is not None]
    reconfigured = any(_is_reconfigured(step) for step in steps if step.token == _PROVIDER)
    digests = {
        str(step.gone.outputs.get("ref")): str(step.gone.outputs.get("digest"))
        for step in steps
        if step.gone and step.token != REMOVER
    }
    for step in removers:
        if step.gone and not (step.failed or step.errors):
            why = _RECONFIGURED if reconfigured else _kept_by(step, staying)
            if why is not None:
                yield from _leaving(step.gone, digests, declared, why)


def _is_reconfigured(step: Step) -> bool:
    if step.old is None or step.new is None:
        return False
    return bool(step.old.inputs.get("logins") != step.new.inputs.get("logins"))


def _kept_by(step: Step, staying: Sequence[State]) -> str | None:
    """Return which remover keeps the pointers, empty where none does, None where all is as it was.

    One that looks after the same repository, under whatever name, takes over what is declared.
    """
    assert step.gone is not None  # noqa: S101 - the caller looked
    if any(state.inputs.get("keepOnDestroy") for state in (step.gone, *staying)):
        return None
    text = str(step.gone.outputs["repository"])
    repository = Repository.parse(text)
    for state in staying:
        other = str(state.inputs.get("repository"))
        if other == text:
            return None
        same_name = Repository.parse(other).name == repository.name
        if same_name and remover_of(step.urn, repository) in (state.outputs.get("removers") or ()):
            return f"{other} is the same repository under another name of its host"
    return ""


def _leaving(
    state: State, digests: Mapping[str, str], declared: set[str], why: str
) -> Iterator[Entry]:
    outputs = state.outputs
    repository, pointers = str(outputs["repository"]), set(outputs.get("pointers") or ())
    live: Mapping[str, Any] = outputs.get("live") or {}
    found = {tag: digests.get(f"{repository}:{tag}", "") for tag in pointers}
    found = {tag: digest for tag, digest in {**found, **live}.items() if digest}
    for tag in sorted(found):
        ref, digest = f"{repository}:{tag}", str(found[tag])
        objection = (outputs.get("objections") or {}).get(tag, "") if tag not in pointers else ""
        if ref in declared:
            continue
        if why or objection:
            yield Entry(
                ref=ref, kind="pointer", action="keep", reasons=(why or str(objection),),
                digest=digest, previous=digest,
            )  # fmt: skip
        else:
            stood = (outputs.get("interrupted") or {}).get(tag) or digest
            yield Entry(
                ref=ref, kind="pointer", action="retire", reasons=(_REASON,), previous=str(stood),
                later=True,
            )  # fmt: skip
