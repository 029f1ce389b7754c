"""Properties of StalePointers, turned into what the pure parts work with, and back."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from fleet.registry.reference import Repository, is_digest
from fleet.registry.undo_log import Removal
from providers.ociregistry.properties import Properties, Reader
from providers.ociregistry.stale_pointers.model import Kept, PointerKind, StaleInputs, View
from providers.ociregistry.stale_pointers.policy import Policy, is_date, parse_policy


def stale_inputs(properties: Properties) -> StaleInputs:
    """Read the inputs of StalePointers, and of its outputs what was removed before.

    :raises InvalidInputsError: naming every property that is wrong.
    """
    reader = Reader(properties)
    repository = reader.parse("repository", Repository.parse, reader.value("repository", str, ""))
    share = reader.value("maxRemovals", float, 0.5)
    if not 0 <= share <= 1:
        reader.problems["maxRemovals"] = f"{share!r} is no share; write a number from 0 to 1"
    owner = reader.value("owner", str, "")
    if not owner:
        reader.problems["owner"] = "is empty; write <pulumi project>/<stack>"
    grammar = tuple(_grammar(reader))
    policy = _policy(reader, {entry.kind for entry in grammar})
    inputs = StaleInputs(
        repository=repository,
        owner=owner,
        pointers=frozenset(reader.value("pointers", list, [])),
        grammar=grammar,
        policy=policy,
        max_removals=share,
        allow_mass=reader.value("allowMass", bool, default=False),
        keep_on_destroy=reader.value("keepOnDestroy", bool, default=False),
        removed=tuple(
            Removal(tag=entry["tag"], digest=entry["digest"], removed_at=entry["removedAt"])
            for entry in properties.get("removed") or ()
            if is_digest(entry["digest"])
        ),
    )
    reader.finish()
    return inputs


def _grammar(reader: Reader) -> list[PointerKind]:
    kinds = []
    for position, entry in enumerate(reader.value("grammar", list, [])):
        try:
            kinds.append(PointerKind(kind=entry["kind"], pattern=re.compile(entry["pattern"])))
        except (re.error, KeyError, TypeError) as error:
            reader.problems[f"grammar[{position}]"] = f"no kind with a regular expression: {error}"
    return kinds


def _policy(reader: Reader, kinds: set[str]) -> dict[str, Policy]:
    found = {}
    for kind, text in reader.value("policy", dict, {}).items():
        policy = parse_policy(text) if isinstance(text, str) else None
        if policy is None:
            reader.problems[f"policy.{kind}"] = (
                f"{text!r} is no policy; write remove, keep or remove after 90 days"
            )
        elif kind not in kinds:
            reader.problems[f"policy.{kind}"] = "no such kind in the grammar"
        else:
            found[kind] = policy
    return found


def recorded_view(properties: Properties) -> View:
    """Read what the state says of live pointers."""
    dates, read_on = properties.get("staleSince", {}), properties.get("readOn", "")
    return View(
        live=properties.get("live", {}),
        objections=properties.get("objections", {}),
        interrupted=properties.get("interrupted", {}),
        since={tag: date for tag, date in dates.items() if is_date(date)},
        read_on=read_on if is_date(read_on) else "",
    )


def view_properties(view: View, stale: Mapping[str, str], kept: Iterable[Kept]) -> dict[str, Any]:
    """Return as output properties what is live, what of it is stale and what else stays."""
    return {
        "live": dict(view.live),
        "objections": dict(view.objections),
        "interrupted": dict(view.interrupted),
        "staleSince": dict(view.since),
        "readOn": view.read_on,
        "stale": dict(stale),
        "kept": [{"tag": k.tag, "digest": k.digest, "reason": k.reason} for k in kept],
    }


def removals(removed: Iterable[Removal]) -> list[dict[str, str]]:
    """Return removals as the property `removed` has them."""
    return [{"tag": r.tag, "digest": r.digest, "removedAt": r.removed_at} for r in removed]
