"""Prediction of a tag for a preview, and description of it after an update, with reasons; pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from providers.ociregistry.report import Action, Entry
from providers.ociregistry.tag.model import (
    UNMOVED,
    Recorded,
    TagInputs,
    TagState,
    diff,
    missing,
    predicted_digest,
    standing,
    unsigned,
)
from providers.ociregistry.tag.reasons import Difference, differences, in_words, shown

_NEW = "new in this stack"
_GONE = "gone from the registry"
_NO_BUILD = "its build is no longer in the registry"
_OTHER_DIGEST = "its build gave another digest"
_OTHER_VERSION = "another version is the highest of its line"
_FOLLOWS = "follows its version"
_SAME_INPUTS = "no recorded input changed; its build is replaced, or missing from the state"
_UNPINNED = "no longer pinned"
_UNNAMED = Difference(words="other inputs changed", vague=True)
_SOURCES = frozenset({"source", "sources"})


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The predicted entry of a tag, and the line of a preview, empty where it was logged before."""

    entry: Entry
    line: str = ""


def unexplained(inputs: TagInputs, prior: Recorded | None) -> bool:
    """Tell whether a preview sees a tag built though nothing that went into it changed."""
    return prior is not None and not (inputs.complete or _changed(inputs, prior))


def unchanged(inputs: TagInputs, prior: Recorded) -> Entry:
    """Return the entry of a tag that stays as it is."""
    return replace(_found(inputs, prior, "unchanged").entry, digest=prior.state.digest)


def predict(inputs: TagInputs, prior: Recorded | None, *, lost: bool = False) -> Prediction:
    """Predict what an update would do; `lost` tells that the registry lost an `unexplained` build.

    `prior` is what the state knew before the program ran. A tag is built whole: its entry names all
    its platforms, and the reasons those that a change concerns, where it is not all of them.
    """
    if inputs.is_pointer:
        return _pointer(inputs, prior)
    if prior is None:
        return _new(inputs)
    if inputs.complete:
        return _without_build(inputs, prior)
    changed = in_words(_changed(inputs, prior))
    why = changed or ((_NO_BUILD if lost else _SAME_INPUTS),)
    gone = (_GONE,) if prior.gone else ()
    line = f"to be built{'' if changed else ' again'}: {shown(why)}"
    return _found(inputs, prior, "build", *gone, *why, line=line)


def describe_update(inputs: TagInputs, prior: Recorded | None, state: TagState) -> Entry:
    """Return the entry of a tag after an update.

    A version tag counts as built where its source has another digest than before, or where what
    went into it changed, even if the build gave the same bytes.
    """
    found = predict(inputs, prior).entry
    previous = state.previous if prior is None else found.previous
    described = replace(found, digest=state.digest, previous=previous)
    if not inputs.is_pointer and _is_built(inputs, prior):
        return replace(described, action="build", platforms=inputs.platforms)
    if prior is None or prior.gone or "platforms" in diff(prior, inputs):
        return described
    if described.action == "re-point" and prior.state.digest == state.digest:
        return replace(described, action="unchanged")
    return described


def _found(
    inputs: TagInputs, prior: Recorded | None, action: Action, *reasons: str, line: str = ""
) -> Prediction:
    """Return an entry with the digests and versions that a preview can know."""
    before = (prior.identity or "") if prior is not None else ""
    entry = Entry(
        ref=str(inputs.ref),
        kind="pointer" if inputs.is_pointer else "version",
        action=action,
        platforms=inputs.platforms if action == "build" else (),
        reasons=reasons,
        digest=predicted_digest(prior, inputs),
        previous=prior.state.digest if prior is not None else "",
        version=(inputs.identity or "") if inputs.is_pointer else "",
        previous_version=before if inputs.is_pointer else "",
        signs=inputs.evidence is not None and standing(prior, inputs) is None,
    )
    return Prediction(entry=entry, line=line)


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


def _new(inputs: TagInputs) -> Prediction:
    if inputs.complete:
        line = f"{_NEW}: names an image that is built already"
        return _found(inputs, None, "re-point", _NEW, line=line)
    line = f"{_NEW}: to be built for {', '.join(inputs.platforms)}"
    return _found(inputs, None, "build", _NEW, line=line)


def _without_build(inputs: TagInputs, prior: Recorded) -> Prediction:
    """Predict a change whose images are all there.

    What the refresh of this run logged in a line of its own is not repeated.
    """
    changes = set(diff(prior, inputs))
    why = in_words(_changed(inputs, prior))
    if changes & _SOURCES:
        why = why or (_OTHER_DIGEST,)
    # Another index is signed in any case.
    same = predicted_digest(prior, inputs) == prior.state.assembled
    signing = unsigned(prior, inputs) if same else ()
    to_sign = f"to be signed: {'; '.join(signing)}" if signing else ""
    if prior.gone:
        return _found(inputs, prior, "re-point", _GONE, *why, *signing, line=to_sign)
    if changes <= UNMOVED:
        line = f"nothing is built and no name moves, though {shown(why)}" if why else ""
        action: Action = "sign" if signing else "unchanged"
        return _found(inputs, prior, action, *(signing or why), line=_both(line, to_sign))
    rewritten = tuple(f"its {name} changed" for name in ("owner", "annotations") if name in changes)
    line = f"written anew: {shown(rewritten)}" if rewritten else ""
    if changes & _SOURCES:
        line = f"names an image that is built already: {shown(why)}"
    reasons = (*why, *_drifted(changes, prior, inputs), *rewritten, *signing)
    return _found(inputs, prior, "re-point", *reasons, line=_both(line, to_sign))


def _both(*lines: str) -> str:
    return "; ".join(filter(None, lines))


def _drifted(changes: Collection[str], prior: Recorded, inputs: TagInputs) -> tuple[str, ...]:
    """Say how a tag left what was recorded, by the differing properties that stand for drift.

    The digests are those of its entry.
    """
    found = []
    if "digest" in changes:
        found.append("it was moved")
    if "platforms" in changes:
        found.append(f"the registry lost {', '.join(missing(inputs.platforms, prior.state))}")
    return tuple(found)


def _pointer(inputs: TagInputs, prior: Recorded | None) -> Prediction:
    """Predict the version that a pointer will name; what this run's refresh logged is left out."""
    digest = predicted_digest(prior, inputs)
    target = inputs.identity or digest or "a version that is not known"
    if prior is None:
        pinned = _pinned(inputs)
        line = f"new, names {target}{pinned and f', {pinned}'}"
        return _found(inputs, None, "re-point", pinned or _NEW, line=line)
    if prior.gone:
        return _found(inputs, prior, "re-point", _GONE)
    changes = set(diff(prior, inputs))
    if changes <= UNMOVED:
        return _found(inputs, prior, "unchanged")
    if "source" not in changes:
        return _found(inputs, prior, "re-point", *_drifted(changes, prior, inputs))
    why, line = _moves(inputs, prior, digest, target)
    return _found(inputs, prior, "re-point", why, line=line)


def _pinned(inputs: TagInputs) -> str:
    return f"pinned: {inputs.pinned}" if inputs.pinned else ""


def _moves(inputs: TagInputs, prior: Recorded, digest: str, target: str) -> tuple[str, str]:
    """Return why a pointer will name another digest, and the line of a preview about it."""
    before, another = prior.state.digest, prior.identity and prior.identity != inputs.identity
    pinned = _pinned(inputs)
    # A pinned pointer follows its version where that gets another digest.
    if pinned and not (prior.pinned and inputs.identity and not another):
        return pinned, f"re-pointed from {before} to {target}, {pinned}"
    if prior.pinned and not pinned:
        return _UNPINNED, f"re-pointed from {before} to {target}, {_UNPINNED}"
    if another:
        return _OTHER_VERSION, f"re-pointed from {prior.identity} ({before}) to {target}"
    if digest:
        return _FOLLOWS, f"follows {target} from {before} to {digest}"
    return _FOLLOWS, f"stays with {target}, whose digest is not known yet ({before} so far)"
