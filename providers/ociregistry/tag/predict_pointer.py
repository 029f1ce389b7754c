"""What becomes of a pointer, pure: which version it names, and from where it comes."""

from providers.ociregistry.tag.model import Recorded, TagInputs, diff, foreseen_digest
from providers.ociregistry.tag.prior_state import (
    GONE,
    NEW,
    STATE_ONLY,
    Before,
    Outlook,
    drifted,
    entry_of,
)


def foresee_pointer(inputs: TagInputs, before: Before) -> Outlook:
    """Foresee what an update would do; what this run's refresh said in a line is not repeated."""
    recorded = before.recorded
    target = inputs.identity or foreseen_digest(recorded, inputs) or "a version that is not known"
    if recorded is None:
        entry = entry_of(inputs, None, action="re-point", reasons=(NEW,))
        return Outlook(entry=entry, line=f"new, names {target}")
    if before.gone:
        return Outlook(entry=entry_of(inputs, recorded, action="re-point", reasons=(GONE,)))
    changes = set(diff(recorded, inputs))
    if changes <= STATE_ONLY:
        return Outlook(entry=entry_of(inputs, recorded, action="unchanged"))
    if "source" not in changes:
        reasons = drifted(changes, recorded, inputs)
        return Outlook(entry=entry_of(inputs, recorded, action="re-point", reasons=reasons))
    line = _moving(inputs, recorded, target)
    return Outlook(entry=entry_of(inputs, recorded, action="re-point", reasons=(line,)), line=line)


def _moving(inputs: TagInputs, recorded: Recorded, target: str) -> str:
    if recorded.identity and recorded.identity != inputs.identity:
        return f"re-pointed from {recorded.identity} ({recorded.state.digest}) to {target}"
    digest = foreseen_digest(recorded, inputs)
    if digest:
        return f"follows {target} from {recorded.state.digest} to {digest}"
    return f"stays with {target}, whose digest is not known yet ({recorded.state.digest} so far)"
