"""Properties of `Mirror` as the engine carries them, turned into the model."""

from typing import get_args

from pulumi.runtime.rpc import UNKNOWN

from fleet.registry.reference import Repository, is_digest, is_tag
from providers.ociregistry.fields import checked
from providers.ociregistry.mirror.model import MirrorInputs
from providers.ociregistry.properties import InvalidInputsError, Properties, parsed
from providers.ociregistry.sdk import MirrorArgs
from providers.ociregistry.tag.model import OnConflict


def mirror_inputs(properties: Properties) -> MirrorInputs:
    """Read the inputs of a Mirror.

    :raises InvalidInputsError: naming every property that is wrong.
    """
    problems: dict[str, str] = {}
    args = checked(MirrorArgs, properties, problems)
    places = {
        name: parsed(name, Repository.parse, getattr(args, name), problems)
        for name in ("repository", "source")
    }
    if None not in places.values() and places["repository"] == places["source"]:
        problems["repository"] = "is the source itself; name a repository elsewhere"
    if not args.owner:
        problems.setdefault("owner", "is empty; write <pulumi project>/<stack>")
    for tag, digest in args.tags.items():
        if not is_tag(tag):
            problems[f"tags.{tag}"] = "is not a tag"
        elif digest not in {"", UNKNOWN} and not is_digest(str(digest)):
            problems[f"tags.{tag}"] = f"{digest!r} is not a digest"
    conflicts = {"onConflict": args.on_conflict, "pointerConflict": args.pointer_conflict}
    for name, choice in conflicts.items():
        if choice not in get_args(OnConflict):
            problems[name] = f"{choice!r} is neither take-over nor refuse"
    if problems:
        raise InvalidInputsError(problems)
    return MirrorInputs(
        repository=places["repository"],
        source=places["source"],
        owner=args.owner,
        tags={tag: str(digest) for tag, digest in args.tags.items()},
        pointers=frozenset(args.pointers),
        evidence={tag: str(mark) for tag, mark in args.evidence.items()},
        on_conflict=args.on_conflict,
        pointer_conflict=args.pointer_conflict,
    )
