"""Prediction of a pointer, pure: the version that it will name, and the one before."""

from providers.ociregistry.tag.model import Recorded, TagInputs, diff, predicted_digest
from providers.ociregistry.tag.prior_state import (
    GONE,
    NEW,
    STATE_ONLY,
    Prediction,
    PriorState,
    drifted,
    entry_of,
)


def predict_pointer(inputs: TagInputs, prior: PriorState) -> Prediction:
    """Predict what an update would do; what this run's refresh logged is not repeated."""
    recorded = prior.recorded
    target = inputs.identity or predicted_digest(recorded, inputs) or "a version that is not known"
    if recorded is None:
        entry = entry_of(inputs, None, action="re-point", reasons=(NEW,))
        return Prediction(entry=entry, line=f"new, names {target}")
    if prior.gone:
        return Prediction(entry=entry_of(inputs, recorded, action="re-point", reasons=(GONE,)))
    changes = set(diff(recorded, inputs))
    if changes <= STATE_ONLY:
        return Prediction(entry=entry_of(inputs, recorded, action="unchanged"))
    if "source" not in changes:
        reasons = drifted(changes, recorded, inputs)
        return Prediction(entry=entry_of(inputs, recorded, action="re-point", reasons=reasons))
    line = _moving(inputs, recorded, target)
    return Prediction(
        entry=entry_of(inputs, recorded, action="re-point", reasons=(line,)), line=line
    )


def _moving(inputs: TagInputs, recorded: Recorded, target: str) -> str:
    if recorded.identity and recorded.identity != inputs.identity:
        return f"re-pointed from {recorded.identity} ({recorded.state.digest}) to {target}"
    digest = predicted_digest(recorded, inputs)
    if digest:
        return f"follows {target} from {recorded.state.digest} to {digest}"
    return f"stays with {target}, whose digest is not known yet ({recorded.state.digest} so far)"
