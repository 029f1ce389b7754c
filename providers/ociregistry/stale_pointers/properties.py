"""Properties of StalePointers, turned into what the pure parts work with, and back."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pulumi.runtime.rpc import UNKNOWN

from fleet.registry.reference import Repository, is_digest
from fleet.registry.undo_log import Removal
from providers.ociregistry.fields import checked, decoded, encoded
from providers.ociregistry.properties import InvalidInputsError, Properties, parsed
from providers.ociregistry.sdk import StalePointersArgs
from providers.ociregistry.stale_pointers.model import (
    Kept,
    StaleInputs,
    View,
    is_day,
    parse_policy,
)


def stale_inputs(properties: Properties) -> StaleInputs:
    """Read the inputs of StalePointers, and of its outputs what was removed before.

    :raises InvalidInputsError: naming every property that is wrong.
    """
    problems: dict[str, str] = {}
    if properties.get("digests") == UNKNOWN:
        # What a mirror is to name is not known, tag by tag, while one of them is not.
        properties = {**properties, "digests": {}}
    args = checked(StalePointersArgs, properties, problems)
    repository = parsed("repository", Repository.parse, args.repository, problems)
    source = parsed("source", Repository.parse, args.source, problems) if args.source else None
    policy = {
        kind: parsed(f"policy.{kind}", parse_policy, text, problems)
        for kind, text in args.policy.items()
    }
    if problems:
        raise InvalidInputsError(problems)
    return StaleInputs(
        repository=repository,
        source=source,
        owner=args.owner,
        pointers=frozenset(args.pointers),
        grammar=tuple(args.grammar),
        policy=policy,
        max_removals=args.max_removals,
        keep_on_destroy=args.keep_on_destroy,
        digests={tag: str(digest) for tag, digest in properties.get("digests", {}).items()},
        commit=args.commit,
        removed=tuple(
            # One that names no digest would have the undo log refused from then on.
            decoded(Removal, entry)
            for entry in properties.get("removed") or ()
            if is_digest(entry["digest"])
        ),
    )


def recorded_view(properties: Properties) -> View:
    """Read what the state records as live; a date that is none is unknown, which only keeps."""
    view = decoded(View, properties)
    since = {tag: day for tag, day in view.stale_since.items() if is_day(day)}
    return replace(view, stale_since=since, read_on=view.read_on if is_day(view.read_on) else "")


def view_properties(view: View, stale: Mapping[str, str], kept: Iterable[Kept]) -> dict[str, Any]:
    """Return as output properties what is live, what of it is stale and what else stays."""
    return {**encoded(view), "stale": dict(stale), "kept": encoded(tuple(kept))}
