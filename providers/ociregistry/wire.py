"""Properties as the engine carries them, turned into what the pure parts work with, and back."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

from providers.ociregistry.errors import OciError
from providers.ociregistry.reasons import shortened
from providers.ociregistry.reference import ManifestReference, Repository, TagReference
from providers.ociregistry.tag import (
    OnConflict,
    Platform,
    Recorded,
    Source,
    TagInputs,
    TagState,
)

Properties = Mapping[str, Any]


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
    sources = tuple(_sources(reader, repository))
    source = _source(reader, repository)
    on_conflict = reader.value("onConflict", str, "take-over")
    if on_conflict not in get_args(OnConflict):
        reader.problems["onConflict"] = f"{on_conflict!r} is neither take-over nor refuse"
    if bool(sources) == (source is not None) and not reader.problems:
        reader.problems["sources"] = "declare either sources to assemble or one source to copy"
    owner = reader.value("owner", str, "")
    if not owner and not may_lack_owner:
        reader.problems["owner"] = "is empty; write <pulumi project>/<stack>"
    identity = reader.value("identity", str, "")
    annotations = reader.value("annotations", dict, {})
    ingredients = reader.value("inputs", dict, {})
    for name in sorted(name for name, value in ingredients.items() if not _is_known_text(value)):
        reader.problems[f"inputs.{name}"] = "is no text that a preview knows"
    reader.finish()
    return TagInputs(
        ref=ref,
        owner=owner,
        sources=sources,
        source=source,
        identity=None if identity == UNKNOWN else identity,
        inputs=shortened(ingredients),
        annotations=annotations,
        on_conflict=on_conflict,
    )


def _is_known_text(value: Any) -> bool:
    return isinstance(value, str) and value != UNKNOWN


def _sources(reader: Reader, repository: Repository | None) -> list[Source]:
    found: dict[str, Source] = {}
    for position, entry in enumerate(reader.value("sources", list, [])):
        name = f"sources[{position}]"
        platform = entry.get("platform", "") if isinstance(entry, dict) else ""
        if not re.fullmatch(r"[a-z0-9]+/[a-z0-9]+(/[a-z0-9.]+)?", platform):
            reader.problems[name] = f"{platform!r} is no platform; write os/architecture[/variant]"
        elif platform in found:
            reader.problems[name] = f"{platform} is there twice"
        else:
            image = _image(reader, f"{name}.image", entry.get("image", ""), repository)
            if image is not None:
                found[platform] = Source(platform=platform, image=image)
    return list(found.values())


def _source(reader: Reader, repository: Repository | None) -> ManifestReference | None:
    text = reader.value("source", str, "")
    image = _image(reader, "source", text, repository) if text else None
    if image is not None and repository is not None and image.repository != repository:
        reader.problems["source"] = f"lies in {image.repository}; a copy stays in {repository}"
    return image


def _image(
    reader: Reader, name: str, text: Any, repository: Repository | None
) -> ManifestReference | None:
    if repository is None:
        return None
    if text == UNKNOWN:
        return ManifestReference(repository=repository, digest="")
    image = reader.parse(name, ManifestReference.parse, str(text))
    if image is not None and image.repository.host != repository.host:
        reader.problems[name] = f"lies on {image.repository.host}, not on {repository.host}"
    return cast("ManifestReference | None", image)


def input_properties(inputs: TagInputs) -> dict[str, Any]:
    """Return the inputs of a Tag as properties."""
    properties: dict[str, Any] = {
        "ref": str(inputs.ref),
        "annotations": dict(inputs.annotations),
        "onConflict": inputs.on_conflict,
        "identity": UNKNOWN if inputs.identity is None else inputs.identity,
        "owner": inputs.owner,
    }
    if inputs.source is not None:
        return {**properties, "source": str(inputs.source)}
    entries = [{"platform": s.platform, "image": str(s.image)} for s in inputs.sources]
    return {**properties, "sources": entries}


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
    sources = properties.get("sources")
    source = properties.get("source")
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
        sources=None if sources is None else {s["platform"]: _digest(s["image"]) for s in sources},
        source=None if source is None else _digest(source),
        owner=properties.get("owner"),
        identity=properties.get("identity"),
        annotations=properties.get("annotations"),
        on_conflict=properties.get("onConflict"),
    )


def recorded_images(properties: Properties) -> dict[str, str]:
    """Read the platform manifests that a Tag's state was assembled from, by platform."""
    return {source["platform"]: source["image"] for source in properties.get("sources", ())}


def _digest(image: str) -> str:
    return image.partition("@")[2]
