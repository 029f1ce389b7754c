"""Properties of StalePointers, turned into what the pure parts work with, and back."""

import re
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
    Policy,
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
    if not 0 <= args.max_removals <= 1:
        problems["maxRemovals"] = (
            f"{args.max_removals!r} is not a number from 0 to 1; write one such as 0.5"
        )
    if not args.owner:
        problems.setdefault("owner", "is empty; write <pulumi project>/<stack>")
    for position, entry in enumerate(args.grammar):
        try:
            re.compile(entry.pattern)
        except (re.error, TypeError) as error:
            problems[f"grammar[{position}]"] = f"no kind with a regular expression: {error}"
    policy = _policy(args, problems)
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


def _policy(args: StalePointersArgs, problems: dict[str, str]) -> dict[str, Policy]:
    found, kinds = {}, {entry.kind for entry in args.grammar}
    for kind, text in args.policy.items():
        policy = parse_policy(text) if isinstance(text, str) else None
        if policy is None:
            problems[f"policy.{kind}"] = (
                f"{text!r} is not a policy; write remove, keep or remove after 90 days"
            )
        elif kind not in kinds:
            problems[f"policy.{kind}"] = "no such kind in the grammar"
        else:
            found[kind] = policy
    return found


def recorded_view(properties: Properties) -> View:
    """Read what the state records as live; a date that is none is unknown, which only keeps."""
    view = decoded(View, properties)
    since = {tag: day for tag, day in view.stale_since.items() if is_day(day)}
    return replace(view, stale_since=since, read_on=view.read_on if is_day(view.read_on) else "")


def view_properties(view: View, stale: Mapping[str, str], kept: Iterable[Kept]) -> dict[str, Any]:
    """Return as output properties what is live, what of it is stale and what else stays."""
    return {**encoded(view), "stale": dict(stale), "kept": encoded(tuple(kept))}
