"""What becomes of a tag, pure: foreseen in a preview, or told after an update, with the reasons."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from providers.ociregistry.before import GONE, NEW, STATE_ONLY, Before, Outlook, drifted, entry_of
from providers.ociregistry.pointer_outlook import foresee_pointer
from providers.ociregistry.reasons import (
    Difference,
    concerned,
    differences,
    in_words,
    shown,
    telling,
)
from providers.ociregistry.report import Entry
from providers.ociregistry.tag import Recorded, TagInputs, TagState, diff

_NO_BUILD = "its build is no longer in the registry"
_OTHER_IMAGES = "the digests of its images changed"
_SAME_INPUTS = "no input is known to have changed; its build is set up anew, or not in the state"


def unexplained(inputs: TagInputs, before: Before) -> tuple[str, ...]:
    """Return the platforms that a preview sees built though nothing of their inputs changed."""
    if before.recorded is None:
        return ()
    building = _unknown(inputs)
    explained = concerned(_changed(inputs, before), building)
    return tuple(platform for platform in building if platform not in explained)


def foresee(inputs: TagInputs, before: Before, absent: Collection[str] = ()) -> Outlook:
    """Foresee what an update would do; `absent` are `unexplained` builds the registry lost."""
    if inputs.source is not None:
        return foresee_pointer(inputs, before)
    if before.recorded is None:
        return _new(inputs)
    building = _unknown(inputs)
    if not building:
        return _without_build(inputs, before.recorded, before)
    explained = tuple(p for p in building if p not in unexplained(inputs, before))
    changed = telling(_changed(inputs, before), explained)
    parts = [GONE] if before.gone else []
    if explained:
        why = shown(in_words(changed, explained))
        parts.append(f"to be built for {', '.join(explained)}: {why}")
    again = _again(inputs, before, absent)
    parts += [f"to be built again for {', '.join(names)}: {why}" for why, names in again.items()]
    reasons = (*parts[: before.gone], *in_words(changed), *again)
    entry = entry_of(inputs, before.recorded, action="build", platforms=building, reasons=reasons)
    return Outlook(entry=entry, line="; ".join(parts))


def tell(inputs: TagInputs, before: Before, state: TagState) -> Entry:
    """Tell what an update did.

    A platform counts as built where the tag names another digest of it than before, or where its
    inputs changed, even if the build gave the same bytes.
    """
    found = foresee(inputs, before).entry
    previous = state.previous if before.recorded is None else found.previous
    told = replace(found, digest=state.digest, previous=previous)
    if inputs.source is None:
        built = _built(inputs, before)
        if built:
            return replace(told, action="build", platforms=built)
    same = before.recorded is not None and before.recorded.state.digest == state.digest
    if same and told.action == "re-point" and not before.gone and not _lost(inputs, before):
        return replace(told, action="unchanged")
    return told


def _built(inputs: TagInputs, before: Before) -> tuple[str, ...]:
    known = before.recorded.sources if before.recorded is not None else None
    changed = [found for found in _changed(inputs, before) if not found.vague]
    again = concerned(changed, tuple(inputs.wanted))
    return tuple(
        platform
        for platform, digest in inputs.wanted.items()
        if platform in again or known is None or known.get(platform) != digest
    )


def _unknown(inputs: TagInputs) -> tuple[str, ...]:
    return tuple(source.platform for source in inputs.sources if not source.image.digest)


def _changed(inputs: TagInputs, before: Before) -> tuple[Difference, ...]:
    recorded = before.recorded
    if recorded is None or recorded.identity is None:
        return ()
    if recorded.identity != inputs.identity:
        return differences(before.inputs, inputs.inputs)
    # Another builder builds anew what is the same by its identity.
    old, new = _nodes(before.inputs), _nodes(inputs.inputs)
    return differences(old, new) if old and new else ()


def _nodes(inputs: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in inputs.items() if key.startswith("node ")}


def _again(inputs: TagInputs, before: Before, absent: Collection[str]) -> dict[str, list[str]]:
    """Return the platforms that are built without a change of inputs, by the reason."""
    found: dict[str, list[str]] = {}
    for platform in unexplained(inputs, before):
        why = _NO_BUILD if platform in absent else _SAME_INPUTS
        found.setdefault(why, []).append(platform)
    return found


def _new(inputs: TagInputs) -> Outlook:
    building = _unknown(inputs)
    if building:
        entry = entry_of(inputs, None, action="build", platforms=building, reasons=(NEW,))
        return Outlook(entry=entry, line=f"{NEW}: to be built for {', '.join(building)}")
    entry = entry_of(inputs, None, action="re-point", reasons=(NEW,))
    return Outlook(entry=entry, line=f"{NEW}: names images that are built already")


def _without_build(inputs: TagInputs, recorded: Recorded, before: Before) -> Outlook:
    """Foresee a change whose images are all there.

    What the refresh of this run said in a line of its own is not said again.
    """
    changes = set(diff(recorded, inputs))
    why = in_words(telling(_changed(inputs, before), tuple(inputs.wanted)))
    if "sources" in changes:
        why = why or (_OTHER_IMAGES,)
    if before.gone:
        return Outlook(entry=entry_of(inputs, recorded, action="re-point", reasons=(GONE, *why)))
    if changes <= STATE_ONLY:
        entry = entry_of(inputs, recorded, action="unchanged", reasons=why)
        line = f"nothing is built and no name moves, though {shown(why)}" if why else ""
        return Outlook(entry=entry, line=line)
    reasons = (*why, *drifted(changes, recorded), *_rewritten(changes))
    entry = entry_of(inputs, recorded, action="re-point", reasons=reasons)
    if "sources" in changes:
        line = f"put together from images that are built already: {shown(why)}"
        return Outlook(entry=entry, line=line)
    rewritten = _rewritten(changes)
    return Outlook(entry=entry, line=f"written anew: {shown(rewritten)}" if rewritten else "")


def _rewritten(changes: Collection[str]) -> tuple[str, ...]:
    return tuple(f"its {name} changed" for name in ("owner", "annotations") if name in changes)


def _lost(inputs: TagInputs, before: Before) -> bool:
    return before.recorded is not None and "platforms" in diff(before.recorded, inputs)
