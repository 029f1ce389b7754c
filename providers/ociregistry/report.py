"""The outcome for one tag, as a preview predicts it or an update reports it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Action = Literal["build", "re-point", "sign", "copy", "remove", "unchanged", "keep", "fail"]
Kind = Literal["version", "pointer", "repository", "mirror"]

FAILURE = "failure"
"""The output of a preview that says why an update would fail: at a mirror, which stops no other."""

COUNTED: tuple[Action, ...] = ("build", "re-point", "remove", "unchanged")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The outcome for one tag; of what fails as a whole, `kind` is `repository` or `mirror`.

    `digest` is what it names afterwards, `previous` what it named before; empty where nothing, or
    where only a build tells. `version` and `previous_version` are the version tags that a pointer
    names. `platforms` are those to be built. `later` marks a removal that comes after the
    program's own resources, because its image left the declaration. `signs` marks a version tag
    of which something has to be signed.
    """

    ref: str
    kind: Kind
    action: Action
    platforms: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    digest: str = ""
    previous: str = ""
    version: str = ""
    previous_version: str = ""
    later: bool = False
    signs: bool = False


def counts(entries: Iterable[Entry]) -> dict[Action, int]:
    """Count the tags of each action."""
    found = Counter(entry.action for entry in entries)
    return {action: found[action] for action in (*COUNTED, "sign", "copy", "keep", "fail")}
