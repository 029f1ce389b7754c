"""What a preview announced, in the part of its comment that machines read."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_BLOCK = re.compile(r"\A<!-- fleet-preview (\{.*\}) -->$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """The pointers that a preview of ``stack`` at ``commit`` said would go, with their digests."""

    stack: str
    commit: str
    removals: Mapping[str, str]


def block(announced: Announcement, limit: int) -> str:
    """Return the announcement as an HTML comment of one line and at most ``limit`` bytes.

    What has no room is not announced, so that it is not removed either.
    """
    kept: dict[str, str] = {}
    text = _block(announced, kept)
    for ref, digest in sorted(announced.removals.items()):
        longer = _block(announced, {**kept, ref: digest})
        if len(longer) > limit:
            break
        kept[ref] = digest
        text = longer
    return text


def _block(announced: Announcement, removals: Mapping[str, str]) -> str:
    fields = {"stack": announced.stack, "commit": announced.commit, "removals": dict(removals)}
    escaped = json.dumps(fields).replace("<", r"\u003c").replace(">", r"\u003e")
    # Two dashes end a comment for some readers of HTML.
    escaped = escaped.replace("--", r"-\u002d")
    return f"<!-- fleet-preview {escaped} -->"


def announcement_in(body: str) -> Announcement | None:
    """Return the announcement that a comment begins with, if it does."""
    found = _BLOCK.search(body)
    try:
        fields: Any = json.loads(found[1]) if found else None
        if fields is None:
            return None
        return Announcement(
            stack=str(fields["stack"]),
            commit=str(fields["commit"]),
            removals={str(ref): str(digest) for ref, digest in fields["removals"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
