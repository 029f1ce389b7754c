"""Prediction of a tag for a preview, and description of it after an update, with reasons; pure."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from providers.ociregistry.report import Action, Entry
from providers.ociregistry.tag.model import UNMOVED, Recorded, TagInputs, TagState
from providers.ociregistry.tag.reasons import Difference, differences, in_words, shown

_NEW = "new in this stack"
_GONE = "gone from the registry"
_OTHER_DIGEST = "its build gave another digest"
_OTHER_VERSION = "another version is the highest of its line"
_FOLLOWS = "its version has another image"
_SAME_INPUTS = "no recorded input changed; its build is lost, replaced, or not in the state"
_UNPINNED = "no longer pinned"
_UNNAMED = Difference(words="other inputs changed", vague=True)
_SOURCES = frozenset({"source", "sources"})
_TO_COME: Mapping[Action, str] = {
    "build": "to be built",
    "re-point": "to be re-pointed",
    "sign": "to be signed",
}


def unchanged(inputs: TagInputs, prior: Recorded) -> Entry:
    """Return the entry of a tag that stays as it is."""
    return replace(_found(inputs, prior, "unchanged"), digest=prior.state.digest)


def line_of(entry: Entry) -> str:
    """Return the line of a preview about a tag, empty where nothing is to be done."""
    if entry.action not in _TO_COME:
        return ""
    before, after = entry.previous_version, entry.version
    if not after or before == after:
        before, after = entry.previous, entry.digest
    moves = entry.action == "re-point" and before != after
    way = f"{before and f' from {before}'} to {after or 'a new digest'}" if moves else ""
    return f"{_TO_COME[entry.action]}{way}: {shown(entry.reasons)}"


def predict(inputs: TagInputs, prior: Recorded | None) -> Entry:
    """Predict what an update would do.

    `prior` is what the state knew before the program ran. A tag is built whole: its entry names all
    its platforms, and the reasons those that a change concerns, where it is not all of them.
    """
    if inputs.is_pointer:
        return _pointer(inputs, prior)
    if prior is None:
        return _found(inputs, None, "re-point" if inputs.complete else "build", _NEW)
    if inputs.complete:
        return _without_build(inputs, prior)
    why = in_words(_changed(inputs, prior)) or (_SAME_INPUTS,)
    return _found(inputs, prior, "build", *([_GONE] if prior.gone else []), *why)


def describe_update(inputs: TagInputs, prior: Recorded | None, state: TagState) -> Entry:
    """Return the entry of a tag after an update.

    A version tag counts as built where its source has another digest than before, or where what
    went into it changed, even if the build gave the same bytes.
    """
    found = predict(inputs, prior)
    previous = state.previous if prior is None else found.previous
    described = replace(found, digest=state.digest, previous=previous)
    if not inputs.is_pointer and _is_built(inputs, prior):
        return replace(described, action="build", platforms=inputs.platforms)
    if prior is None or prior.gone or "platforms" in inputs.diff(prior):
        return described
    if described.action == "re-point" and prior.state.digest == state.digest:
        return replace(described, action="unchanged")
    return described


def _found(inputs: TagInputs, prior: Recorded | None, action: Action, *reasons: str) -> Entry:
    """Return an entry with the digests and versions that a preview can know."""
    before = (prior.identity or "") if prior is not None else ""
    return Entry(
        ref=str(inputs.ref),
        kind="pointer" if inputs.is_pointer else "version",
        action=action,
        platforms=inputs.platforms if action == "build" else (),
        reasons=reasons,
        digest=inputs.predicted_digest(prior),
        previous=prior.state.digest if prior is not None else "",
        version=(inputs.identity or "") if inputs.is_pointer else "",
        previous_version=before if inputs.is_pointer else "",
        signs=inputs.evidence is not None and inputs.standing(prior) is None,
    )


def _is_built(inputs: TagInputs, prior: Recorded | None) -> bool:
    if prior is None or prior.digests != inputs.digests:
        return True
    return any(not found.vague for found in _changed(inputs, prior))


def _changed(inputs: TagInputs, prior: Recorded) -> tuple[Difference, ...]:
    if prior.identity is None:
        return ()
    if prior.pinned and not inputs.pinned:
        return (Difference(words=_UNPINNED),)
    if prior.identity != inputs.identity:
        # Not all that an identity is made of has a name.
        return differences(prior.inputs, inputs.inputs) or (_UNNAMED,)
    # Another builder, or another mirror of a base, builds again what is the same by its identity.
    old, new = _apart(prior.inputs), _apart(inputs.inputs)
    return differences(old, new) if old and new else ()


def _apart(inputs: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in inputs.items() if key.startswith(("node ", "place "))}


def _without_build(inputs: TagInputs, prior: Recorded) -> Entry:
    """Predict a change whose images are all there."""
    changes = set(inputs.diff(prior))
    why = in_words(_changed(inputs, prior))
    if changes & _SOURCES:
        why = why or (_OTHER_DIGEST,)
    # Another index is signed in any case.
    same = inputs.predicted_digest(prior) == prior.state.assembled
    signing = inputs.unsigned(prior) if same else ()
    if prior.gone:
        return _found(inputs, prior, "re-point", _GONE, *why, *signing)
    if changes <= UNMOVED:
        return _found(inputs, prior, "sign" if signing else "unchanged", *(signing or why))
    rewritten = (f"its {name} changed" for name in ("owner", "annotations") if name in changes)
    reasons = (*why, *_drifted(changes, prior, inputs), *rewritten, *signing)
    return _found(inputs, prior, "re-point", *reasons)


def _drifted(changes: Collection[str], prior: Recorded, inputs: TagInputs) -> tuple[str, ...]:
    """Say how a tag left what was recorded, by the differing properties that stand for drift.

    The digests are those of its entry.
    """
    found = []
    if "digest" in changes:
        found.append("it was moved since the last update")
    if "platforms" in changes:
        found.append(f"the registry lost {', '.join(prior.state.missing(inputs.platforms))}")
    return tuple(found)


def _pointer(inputs: TagInputs, prior: Recorded | None) -> Entry:
    """Predict the version that a pointer will name."""
    if prior is None:
        return _found(inputs, None, "re-point", _pinned(inputs) or _NEW)
    if prior.gone:
        return _found(inputs, prior, "re-point", _GONE)
    changes = set(inputs.diff(prior))
    if changes <= UNMOVED:
        return _found(inputs, prior, "unchanged")
    if "source" not in changes:
        return _found(inputs, prior, "re-point", *_drifted(changes, prior, inputs))
    return _found(inputs, prior, "re-point", _moves(inputs, prior))


def _pinned(inputs: TagInputs) -> str:
    return f"pinned: {inputs.pinned}" if inputs.pinned else ""


def _moves(inputs: TagInputs, prior: Recorded) -> str:
    """Return why a pointer will name another digest."""
    another, pinned = prior.identity and prior.identity != inputs.identity, _pinned(inputs)
    # A pinned pointer follows its version where that gets another digest.
    if pinned and not (prior.pinned and inputs.identity and not another):
        return pinned
    if prior.pinned and not pinned:
        return _UNPINNED
    return _OTHER_VERSION if another else _FOLLOWS
