"""Which names a run may remove: those that a preview listed, where somebody says so."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fleet.registry.errors import OciError
from fleet.registry.reference import Repository
from providers.ociregistry.stale_pointers.model import Kept

SETTING = "FLEET_ALLOWED_REMOVALS"
_SHAPE = 2


Allowed = Mapping[str, str] | None
"""The names that may go, `host[:port]/repository:tag` to digest; None: all that are stale."""


def read_allowed(environment: Mapping[str, str]) -> Allowed:
    """Return what the preview's report lists that `FLEET_ALLOWED_REMOVALS` names.

    The document of a report (`fleet/reports/report.py`) has this shape. One of a preview that ended
    early allows nothing, for nobody was shown all. Without the setting all that is stale may go.

    :raises OciError: if the path is not absolute, or there is no report of a preview.
    """
    name = environment.get(SETTING)
    if name is None:
        return None
    # An empty one is somebody's mistake: it must not open what it was meant to hold.
    if not Path(name).is_absolute():
        raise _refusal(f"is {name!r}; write an absolute path, or unset it")
    try:
        return _parse(json.loads(Path(name).read_text(encoding="utf-8")))
    except OSError as error:
        raise _refusal(f"{name} can't be read ({error.strerror}); run the preview again") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refusal(
            f"{name} is not a report of a preview ({error!r}); run the preview again"
        ) from error


def _parse(document: Any) -> Allowed:
    if document["version"] != _SHAPE:
        raise ValueError(f"its shape has the number {document['version']}, not {_SHAPE}")
    if document["mode"] != "preview":
        raise ValueError(f"it is from an {document['mode']}; a preview's report is required")
    found, complete = {}, document["complete"] is True
    for entry in document["entries"]:
        ref, action, digest = entry["ref"], entry["action"], entry["previous"]
        if not all(isinstance(value, str) for value in (ref, action, digest)):
            raise TypeError(f"an entry is {entry!r}")
        if action == "remove" and complete:
            found[ref] = digest
    return found


def _refusal(why: str) -> OciError:
    return OciError(f"no name is removed: {SETTING} {why}")


def not_allowed_of(
    repository: Repository, named: Mapping[str, str], allowed: Allowed
) -> dict[str, Kept]:
    """Return those of `named`, stale tags with their digests, which may not go in this run."""
    if allowed is None:
        return {}
    found = {}
    for tag, digest in named.items():
        listed = allowed.get(f"{repository}:{tag}")
        if listed != digest:
            why = (
                f"in the list of the preview with {listed}"
                if listed
                else "not in the list of the preview"
            )
            found[tag] = Kept(tag=tag, digest=digest, reason=f"it is {why}")
    return found


def still_there(repository: Repository, not_allowed: Iterable[Kept]) -> str:
    """Return which names stay, why, and how they go."""
    names = ", ".join(f"{kept.tag} ({kept.digest}; {kept.reason})" for kept in not_allowed)
    return (
        f"{repository}: stale, and not removed in this run: {names}. Run a new preview, then an "
        "update that allows it, to remove them"
    )


def names(going: Mapping[str, str]) -> str:
    """Return the pointers that are to be removed, each with its digest."""
    return ", ".join(f"{tag} ({digest})" for tag, digest in going.items())
