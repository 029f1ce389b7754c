"""Properties as the engine carries them, turned into what the pure parts work with, and back."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

from fleet.registry.errors import OciError
from fleet.registry.reference import ManifestReference, Repository, TagReference
from providers.ociregistry.tag.model import OnConflict, Platform, Recorded, TagInputs, TagState
from providers.ociregistry.tag.reasons import shortened

Properties = Mapping[str, Any]

_PART = "[A-Za-z0-9][A-Za-z0-9._-]*"
_PLATFORM = re.compile(rf"{_PART}/{_PART}(/{_PART})?")


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


class Reader:
    """A reader of properties that gathers all problems instead of stopping at the first."""

    def __init__(self, properties: Properties) -> None:
        self._properties = properties
        self.problems: dict[str, str] = {}

    def value(self, name: str, kind: type, default: Any) -> Any:
        """Return a property of `kind`; `default` where it is absent or of another kind."""
        found = self._properties.get(name, default)
        if not isinstance(found, kind):
            self.problems[name] = f"{found!r} is no {kind.__name__}"
            return default
        return found

    def parse(self, name: str, parse: Any, text: str) -> Any:
        """Return what `parse` makes of a text, None where it refuses."""
        try:
            return parse(text)
        except OciError as error:
            self.problems[name] = str(error)
            return None

    def finish(self) -> None:
        """Raise all problems that were found.

        :raises InvalidInputsError: if there are any.
        """
        if self.problems:
            raise InvalidInputsError(self.problems)


def tag_inputs(properties: Properties, *, may_lack_owner: bool = False) -> TagInputs:
    """Read the inputs of a Tag; those of an import may lack an owner, for not every tag has one.

    :raises InvalidInputsError: naming every property that is wrong.
    """
    reader = Reader(properties)
    ref = reader.parse("ref", TagReference.parse, reader.value("ref", str, ""))
    repository = ref.repository if ref is not None else None
    sources = tuple(_sources(reader, repository)) if repository is not None else ()
    platforms = tuple(_platforms(reader))
    on_conflict = reader.value("onConflict", str, "take-over")
    if on_conflict not in get_args(OnConflict):
        reader.problems["onConflict"] = f"{on_conflict!r} is neither take-over nor refuse"
    owner = reader.value("owner", str, "")
    if not owner and not may_lack_owner:
        reader.problems["owner"] = "is empty; write <pulumi project>/<stack>"
    identity = reader.value("identity", str, "")
    annotations = reader.value("annotations", dict, {})
    build_inputs = reader.value("inputs", dict, {})
    for name in sorted(name for name, value in build_inputs.items() if not _is_known_text(value)):
        reader.problems[f"inputs.{name}"] = "is no text that a preview knows"
    reader.finish()
    return TagInputs(
        ref=ref,
        owner=owner,
        sources=sources,
        platforms=platforms,
        identity=None if identity == UNKNOWN else identity,
        inputs=shortened(build_inputs),
        annotations=annotations,
        on_conflict=on_conflict,
    )


def _is_known_text(value: Any) -> bool:
    return isinstance(value, str) and value != UNKNOWN


def _platforms(reader: Reader) -> list[str]:
    found: list[str] = []
    for position, platform in enumerate(reader.value("platforms", list, [])):
        name = f"platforms[{position}]"
        if not isinstance(platform, str) or not _PLATFORM.fullmatch(platform):
            reader.problems[name] = f"{platform!r} is no platform; write os/architecture[/variant]"
        elif platform in found:
            reader.problems[name] = f"{platform} is there twice"
        else:
            found.append(platform)
    return found


def _sources(reader: Reader, repository: Repository) -> Iterator[ManifestReference]:
    one, several = reader.value("source", str, ""), reader.value("sources", list, [])
    if bool(one) == bool(several) and not {"source", "sources"} & reader.problems.keys():
        reader.problems["sources"] = "declare one source to copy, or sources to join"
    named = {"source": one} if one else {f"sources[{n}]": s for n, s in enumerate(several)}
    for name, text in named.items():
        if text == UNKNOWN:
            yield ManifestReference(repository=repository, digest="")
            continue
        source = reader.parse(name, ManifestReference.parse, str(text))
        if source is None:
            continue
        if source.repository.host != repository.host:
            reader.problems[name] = f"lies on {source.repository.host}, not on {repository.host}"
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
    return {
        "digest": state.digest,
        "assembled": state.assembled,
        "mediaType": state.media_type,
        "size": state.size,
        "platforms": [
            {"platform": p.platform, "digest": p.digest, "size": p.size} for p in state.platforms
        ],
        "previous": state.previous,
    }


def unknown_state(digest: str) -> dict[str, Any]:
    """Return the outputs of a preview; the digest is known or empty."""
    names = ("mediaType", "size", "platforms", "previous")
    known = digest or UNKNOWN
    return {"digest": known, "assembled": known, **dict.fromkeys(names, UNKNOWN)}


def recorded_tag(properties: Properties) -> Recorded:
    """Read a Tag's state as this provider wrote it."""
    sources = properties.get("sources") or [properties.get("source") or ""]
    platforms = properties.get("platforms", [])
    return Recorded(
        ref=str(properties.get("ref", "")),
        state=TagState(
            digest=str(properties.get("digest", "")),
            assembled=str(properties.get("assembled", "")),
            media_type=str(properties.get("mediaType", "")),
            platforms=tuple(
                Platform(platform=p["platform"], digest=p["digest"], size=int(p["size"]))
                for p in platforms
            ),
            previous=str(properties.get("previous", "")),
        ),
        sources=tuple(ManifestReference.parse(source) for source in sources if source),
        owner=properties.get("owner"),
        identity=properties.get("identity"),
        annotations=properties.get("annotations"),
        on_conflict=properties.get("onConflict"),
    )
