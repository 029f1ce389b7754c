"""The prior state of a tag, and its prediction; pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from providers.ociregistry.report import Action, Entry
from providers.ociregistry.tag.model import Recorded, TagInputs, missing, predicted_digest

# What no registry holds, and a preview keeps as it is when only these change: no name moves.
STATE_ONLY = frozenset({"identity", "onConflict"})
NEW = "new in this stack"
GONE = "gone from the registry"


@dataclass(frozen=True, kw_only=True)
class PriorState:
    """The state of a tag before the program ran.

    `recorded` is None where no state knew it; `gone` tells that this run's refresh found it
    absent. `inputs` went into it, empty where the state kept none.
    """

    recorded: Recorded | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    gone: bool = False


def drifted(changes: Collection[str], recorded: Recorded, inputs: TagInputs) -> tuple[str, ...]:
    """Say how a tag left what was recorded, by the differing properties that stand for drift.

    The digests are those of its entry.
    """
    found = []
    if "digest" in changes:
        found.append("it was moved")
    if "platforms" in changes:
        found.append(f"the registry lost {', '.join(missing(inputs.platforms, recorded.state))}")
    return tuple(found)


def unchanged(inputs: TagInputs, recorded: Recorded) -> Entry:
    """Return the entry of a tag that stays as it is."""
    found = entry_of(inputs, recorded, "unchanged")
    return replace(found, digest=recorded.state.digest)


def entry_of(
    inputs: TagInputs, recorded: Recorded | None, action: Action, reasons: tuple[str, ...] = ()
) -> Entry:
    """Return the entry of a tag, with the digests and versions that a preview can know."""
    before = (recorded.identity or "") if recorded is not None else ""
    return Entry(
        ref=str(inputs.ref),
        kind="pointer" if inputs.is_pointer else "version",
        action=action,
        platforms=inputs.platforms if action == "build" else (),
        reasons=reasons,
        digest=predicted_digest(recorded, inputs),
        previous=recorded.state.digest if recorded is not None else "",
        version=(inputs.identity or "") if inputs.is_pointer else "",
        previous_version=before if inputs.is_pointer else "",
    )
