"""Properties as the engine carries them, turned into what the pure parts work with, and back."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

from fleet.registry.errors import OciError
from fleet.registry.reference import ManifestReference, Repository, TagReference
from providers.ociregistry.evidence.properties import evidence_inputs
from providers.ociregistry.fields import checked, decoded, encoded
from providers.ociregistry.sdk import Tag, TagArgs, outputs_of
from providers.ociregistry.tag.model import OnConflict, Recorded, TagInputs, TagState
from providers.ociregistry.tag.reasons import shortened

Properties = Mapping[str, Any]

_PART = "[A-Za-z0-9][A-Za-z0-9._-]*"
_PLATFORM = re.compile(rf"{_PART}/{_PART}(/{_PART})?")
_OUTPUTS = tuple(output for output in outputs_of(Tag) if output.required)


class InvalidInputsError(OciError):
    """Inputs that cannot be used: property to reason, all of them at once."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in problems.items()))
        self.problems = dict(problems)


def plain(value: PropertyValue) -> Any:
    """Return a property as plain Python; secrets are unwrapped, unknowns stay the marker."""
    inner = value.value
    if isinstance(inner, Mapping):
        return {key: plain(item) for key, item in inner.items()}
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [plain(item) for item in inner]
    return inner


def plain_map(values: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """Return properties as plain Python, without those that are null."""
    return {key: plain(value) for key, value in values.items() if value.value is not None}


def wrap(value: Any) -> PropertyValue:
    """Return plain Python as a property."""
    if isinstance(value, Mapping):
        return PropertyValue({key: wrap(item) for key, item in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str):
        return PropertyValue([wrap(item) for item in value])
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value))
    return PropertyValue(value)


def wrap_map(values: Properties) -> dict[str, PropertyValue]:
    """Return plain properties as the engine carries them."""
    return {key: wrap(value) for key, value in values.items()}


def parsed(name: str, parse: Any, text: str, problems: dict[str, str]) -> Any:
    """Return what `parse` makes of a text; None where it refuses, with the reason in `problems`."""
    try:
        return parse(text)
    except OciError as error:
        problems[name] = str(error)
        return None


def tag_inputs(properties: Properties, *, may_lack_owner: bool = False) -> TagInputs:
    """Read the inputs of a Tag; those of an import may lack an owner, for not every tag has one.

    :raises InvalidInputsError: naming every property that is wrong.
    """
    problems: dict[str, str] = {}
    args = checked(TagArgs, properties, problems)
    ref = parsed("ref", TagReference.parse, args.ref, problems)
    sources = tuple(_sources(args, ref.repository, problems)) if ref is not None else ()
    _check_platforms(args.platforms, problems)
    if args.on_conflict not in get_args(OnConflict):
        problems["onConflict"] = f"{args.on_conflict!r} is neither take-over nor refuse"
    if not args.owner and not may_lack_owner:
        problems.setdefault("owner", "is empty; write <pulumi project>/<stack>")
    evidence = evidence_inputs(args.evidence, problems) if args.evidence else None
    if evidence and not args.platforms:
        problems.setdefault("platforms", "has none; evidence is for a version tag")
    for name, value in sorted(args.inputs.items()):
        if not isinstance(value, str) or value == UNKNOWN:
            problems[f"inputs.{name}"] = "is not a text that a preview knows"
    if problems:
        raise InvalidInputsError(problems)
    return TagInputs(
        ref=ref,
        owner=args.owner,
        sources=sources,
        platforms=tuple(args.platforms),
        identity=None if args.identity == UNKNOWN else str(args.identity),
        inputs=shortened(args.inputs),
        annotations=args.annotations,
        on_conflict=args.on_conflict,
        pinned=args.pinned or "",
        evidence=evidence,
    )


def _check_platforms(platforms: Sequence[Any], problems: dict[str, str]) -> None:
    for position, platform in enumerate(platforms):
        name = f"platforms[{position}]"
        if not isinstance(platform, str) or not _PLATFORM.fullmatch(platform):
            problems[name] = f"{platform!r} is not a platform; write os/architecture[/variant]"
        elif platform in platforms[:position]:
            problems[name] = f"{platform} is there twice"


def _sources(
    args: TagArgs, repository: Repository, problems: dict[str, str]
) -> Iterator[ManifestReference]:
    if bool(args.source) == bool(args.sources) and not {"source", "sources"} & problems.keys():
        problems["sources"] = "declare one source to copy, or sources to join"
    several = {f"sources[{n}]": source for n, source in enumerate(args.sources or ())}
    for name, text in {"source": args.source}.items() if args.source else several.items():
        if text == UNKNOWN:
            yield ManifestReference(repository=repository, digest="")
            continue
        source = parsed(name, ManifestReference.parse, str(text), problems)
        if source is None:
            continue
        if source.repository.host != repository.host:
            problems[name] = f"lies on {source.repository.host}, not on {repository.host}"
        yield source


def input_properties(inputs: TagInputs) -> dict[str, Any]:
    """Return the inputs of a Tag as properties."""
    properties: dict[str, Any] = {
        "ref": str(inputs.ref),
        "annotations": dict(inputs.annotations),
        "onConflict": inputs.on_conflict,
        "identity": UNKNOWN if inputs.identity is None else inputs.identity,
        "owner": inputs.owner,
    }
    if inputs.platforms:
        properties["platforms"] = list(inputs.platforms)
    if inputs.joins:
        return {**properties, "sources": [str(source) for source in inputs.sources]}
    return {**properties, "source": str(inputs.sources[0])}


def state_properties(state: TagState) -> dict[str, Any]:
    """Return what a tag names as output properties."""
    found = {field.name: encoded(getattr(state, field.attribute)) for field in _OUTPUTS}
    return {**found, "signed": encoded(state.signed)} if state.signed else found


def unknown_state(digest: str) -> dict[str, Any]:
    """Return the outputs of a preview; the digest is known or empty."""
    known = digest or UNKNOWN
    unknown = dict.fromkeys((field.name for field in _OUTPUTS), UNKNOWN)
    return {**unknown, "digest": known, "assembled": known}


def recorded_tag(
    properties: Properties, inputs: Mapping[str, str] | None = None, *, gone: bool = False
) -> Recorded:
    """Read a Tag's state as this provider wrote it; its build `inputs` are kept apart from it."""
    sources = properties.get("sources") or [properties.get("source") or ""]
    return Recorded(
        ref=str(properties.get("ref", "")),
        state=decoded(TagState, properties),
        sources=tuple(ManifestReference.parse(source) for source in sources if source),
        owner=properties.get("owner"),
        identity=properties.get("identity"),
        annotations=properties.get("annotations"),
        on_conflict=properties.get("onConflict"),
        inputs=inputs or {},
        gone=gone,
        pinned=properties.get("pinned") or "",
    )
