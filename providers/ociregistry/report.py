"""What a run does or would do, pure: an entry a name, one line for all, and a document."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Action = Literal["build", "re-point", "retire", "unchanged", "keep", "fail"]
Kind = Literal["version", "pointer", "repository"]
Mode = Literal["preview", "update", "idle"]

_COUNTED: tuple[Action, ...] = ("build", "re-point", "retire", "unchanged")
_DONE = {"build": "built", "re-point": "re-pointed", "retire": "retired"}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What becomes of one name.

    `digest` is what it names afterwards, `previous` what it named before; empty where nothing, or
    where only a build tells. `version` and `previous_version` are the version tags that a pointer
    names. `platforms` are those to be built. `later` marks a removal that comes after the
    program's own resources, because its image left the declaration.
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


def counts(entries: Iterable[Entry]) -> dict[Action, int]:
    """Count the names of each action."""
    found = Counter(entry.action for entry in entries)
    return {action: found[action] for action in (*_COUNTED, "keep", "fail")}


def line(entries: Iterable[Entry], mode: Mode) -> str:
    """Sum up in one line, in the words of a foresight or of what was done.

    In an update, removals that are still to come are told apart.
    """
    listed = tuple(entries)
    ahead = sum(entry.later for entry in listed) if mode == "update" else 0
    found = counts(entry for entry in listed if not (ahead and entry.later))
    words = _DONE if mode == "update" else {}
    parts = [f"{found[action]} {words.get(action, action)}" for action in _COUNTED]
    parts += [f"{found['fail']} failed"] if found["fail"] else []
    parts += [f"{ahead} to be retired when this run ends"] if ahead else []
    return ", ".join(parts)


def document(entries: Iterable[Entry], mode: Mode) -> dict[str, Any]:
    """Return the report of a run as data for JSON.

    `{version, mode, summary, counts, entries}`. `version` is 1, the number of this shape. `mode` is
    `preview`, `update`, or `idle` where nothing differed, so that the two are alike. `summary` is
    the line. `counts` has the number of names for each action. `entries` are sorted by `ref`, each
    with all of these:

    - `ref`: `host[:port]/repository:tag`; of a failed remover, the repository alone;
    - `kind`: `version`, `pointer` or `repository`;
    - `action`: `build` (platforms are built, and the tag follows), `re-point` (the name is put on
      another digest or put back, or platforms of it are, without a build), `retire` (a stale
      pointer goes), `unchanged`, `keep` (nothing declares the name, and it stays), `fail`;
    - `platforms`: those built, `os/architecture[/variant]`;
    - `reasons`: texts, all of them; of `fail` the error's message, of `keep` why it stays;
    - `digest`: what it names afterwards, empty where only a build tells, or where it is gone;
    - `previous`: the digest that it named before, empty where none is known;
    - `version`, `previousVersion`: of a pointer, the version tags that it names and named;
    - `later`: true for a pointer that goes with its image's whole declaration, after the rest.
    """
    listed = sorted(entries, key=lambda entry: (entry.ref, entry.action))
    return {
        "version": 1,
        "mode": mode,
        "summary": line(listed, mode),
        "counts": counts(listed),
        "entries": [_fields(entry) for entry in listed],
    }


def _fields(entry: Entry) -> dict[str, Any]:
    return {
        "ref": entry.ref,
        "kind": entry.kind,
        "action": entry.action,
        "platforms": list(entry.platforms),
        "reasons": list(entry.reasons),
        "digest": entry.digest,
        "previous": entry.previous,
        "version": entry.version,
        "previousVersion": entry.previous_version,
        "later": entry.later,
    }
