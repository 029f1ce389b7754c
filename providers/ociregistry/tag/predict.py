"""Prediction of a tag for a preview, and description of it after an update, with reasons; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from providers.ociregistry.report import Action, Entry
from providers.ociregistry.tag.model import Recorded, TagInputs, TagState, diff, predicted_digest
from providers.ociregistry.tag.prior_state import (
    GONE,
    NEW,
    STATE_ONLY,
    PriorState,
    drifted,
    entry_of,
)
from providers.ociregistry.tag.reasons import Difference, differences, in_words, shown

_NO_BUILD = "its build is no longer in the registry"
_OTHER_DIGEST = "its build gave another digest"
_OTHER_VERSION = "another version is the highest of its line"
_FOLLOWS = "follows its version"
_SAME_INPUTS = "no recorded input changed; its build is replaced, or missing from the state"
_UNNAMED = Difference(words="other inputs changed", vague=True)
_SOURCES = frozenset({"source", "sources"})


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The predicted entry of a tag, and the line of a preview, empty where it was logged before."""

    entry: Entry
    line: str = ""


def unexplained(inputs: TagInputs, prior: PriorState) -> bool:
    """Tell whether a preview sees a tag built though nothing that went into it changed."""
    return not (prior.recorded is None or inputs.complete or _changed(inputs, prior))


def predict(inputs: TagInputs, prior: PriorState, *, lost: bool = False) -> Prediction:
    """Predict what an update would do; `lost` tells that the registry lost an `unexplained` build.

    A tag is built whole: its entry names all its platforms, and the reasons those that a change
    concerns, where it is not all of them.
    """
    if inputs.is_pointer:
        return _pointer(inputs, prior)
    if prior.recorded is None:
        return _new(inputs)
    if inputs.complete:
        return _without_build(inputs, prior.recorded, prior)
    changed = in_words(_changed(inputs, prior))
    why = changed or ((_NO_BUILD if lost else _SAME_INPUTS),)
    gone = (GONE,) if prior.gone else ()
    line = f"to be built{'' if changed else ' again'}: {shown(why)}"
    return _found(inputs, prior.recorded, "build", *gone, *why, line=line)


def _found(
    inputs: TagInputs, recorded: Recorded | None, action: Action, *reasons: str, line: str = ""
) -> Prediction:
    return Prediction(entry=entry_of(inputs, recorded, action, reasons), line=line)


def describe_update(inputs: TagInputs, prior: PriorState, state: TagState) -> Entry:
    """Return the entry of a tag after an update.

    A version tag counts as built where its source has another digest than before, or where what
    went into it changed, even if the build gave the same bytes.
    """
    found = predict(inputs, prior).entry
    previous = state.previous if prior.recorded is None else found.previous
    described = replace(found, digest=state.digest, previous=previous)
    if not inputs.is_pointer and _is_built(inputs, prior):
        return replace(described, action="build", platforms=inputs.platforms)
    same = prior.recorded is not None and prior.recorded.state.digest == state.digest
    if same and described.action == "re-point" and not prior.gone and not _lost(inputs, prior):
        return replace(described, action="unchanged")
    return described


def _is_built(inputs: TagInputs, prior: PriorState) -> bool:
    if prior.recorded is None or prior.recorded.digests != inputs.digests:
        return True
    return any(not found.vague for found in _changed(inputs, prior))


def _changed(inputs: TagInputs, prior: PriorState) -> tuple[Difference, ...]:
    recorded = prior.recorded
    if recorded is None or recorded.identity is None:
        return ()
    if recorded.identity != inputs.identity:
        # Not all that an identity is made of has a name.
        return differences(prior.inputs, inputs.inputs) or (_UNNAMED,)
    # Another builder, or another mirror of a base, builds again what is the same by its identity.
    old, new = _apart(prior.inputs), _apart(inputs.inputs)
    return differences(old, new) if old and new else ()


def _apart(inputs: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in inputs.items() if key.startswith(("node ", "place "))}


def _new(inputs: TagInputs) -> Prediction:
    if inputs.complete:
        line = f"{NEW}: names an image that is built already"
        return _found(inputs, None, "re-point", NEW, line=line)
    line = f"{NEW}: to be built for {', '.join(inputs.platforms)}"
    return _found(inputs, None, "build", NEW, line=line)


def _without_build(inputs: TagInputs, recorded: Recorded, prior: PriorState) -> Prediction:
    """Predict a change whose images are all there.

    What the refresh of this run logged in a line of its own is not repeated.
    """
    changes = set(diff(recorded, inputs))
    why = in_words(_changed(inputs, prior))
    if changes & _SOURCES:
        why = why or (_OTHER_DIGEST,)
    if prior.gone:
        return _found(inputs, recorded, "re-point", GONE, *why)
    if changes <= STATE_ONLY:
        line = f"nothing is built and no name moves, though {shown(why)}" if why else ""
        return _found(inputs, recorded, "unchanged", *why, line=line)
    rewritten = tuple(f"its {name} changed" for name in ("owner", "annotations") if name in changes)
    line = f"written anew: {shown(rewritten)}" if rewritten else ""
    if changes & _SOURCES:
        line = f"names an image that is built already: {shown(why)}"
    reasons = (*why, *drifted(changes, recorded, inputs), *rewritten)
    return _found(inputs, recorded, "re-point", *reasons, line=line)


def _pointer(inputs: TagInputs, prior: PriorState) -> Prediction:
    """Predict the version that a pointer will name; what this run's refresh logged is left out."""
    recorded = prior.recorded
    target = inputs.identity or predicted_digest(recorded, inputs) or "a version that is not known"
    if recorded is None:
        return _found(inputs, None, "re-point", NEW, line=f"new, names {target}")
    if prior.gone:
        return _found(inputs, recorded, "re-point", GONE)
    changes = set(diff(recorded, inputs))
    if changes <= STATE_ONLY:
        return _found(inputs, recorded, "unchanged")
    if "source" not in changes:
        return _found(inputs, recorded, "re-point", *drifted(changes, recorded, inputs))
    line = _moving(inputs, recorded, target)
    why = _OTHER_VERSION if _is_another(inputs, recorded) else _FOLLOWS
    return _found(inputs, recorded, "re-point", why, line=line)


def _moving(inputs: TagInputs, recorded: Recorded, target: str) -> str:
    if _is_another(inputs, recorded):
        return f"re-pointed from {recorded.identity} ({recorded.state.digest}) to {target}"
    digest = predicted_digest(recorded, inputs)
    if digest:
        return f"follows {target} from {recorded.state.digest} to {digest}"
    return f"stays with {target}, whose digest is not known yet ({recorded.state.digest} so far)"


def _is_another(inputs: TagInputs, recorded: Recorded) -> bool:
    return bool(recorded.identity) and recorded.identity != inputs.identity


def _lost(inputs: TagInputs, prior: PriorState) -> bool:
    return prior.recorded is not None and "platforms" in diff(prior.recorded, inputs)
