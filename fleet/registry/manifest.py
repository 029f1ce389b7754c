"""OCI index and manifest documents: deterministic bytes out, checked documents in."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleet.http.document import parse_json
from fleet.http.text import one_line
from fleet.registry.errors import RegistryError
from fleet.registry.reference import is_digest

# OCI distribution specification 1.1, "Pushing manifests": registries take at least 4 MiB.
MANIFEST_LIMIT = 4 * 1024 * 1024
OWNER_ANNOTATION = "io.github.multi-py.fleet.owner"
# OCI image specification 1.1, "Pre-Defined Annotation Keys": the version of what is packaged.
VERSION_ANNOTATION = "org.opencontainers.image.version"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
ACCEPTED = (OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST)
# OCI image specification 1.1, "Guidance for an Empty Descriptor".
EMPTY = b"{}"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def digest_of(body: bytes) -> str:
    """Return the sha256 digest of `body`."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass(frozen=True, kw_only=True)
class Blob:
    """A blob as a manifest describes it; `size` in bytes."""

    digest: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Child:
    """One entry of an index; `size` is that of the manifest's own bytes."""

    platform: str
    digest: str
    size: int
    media_type: str


@dataclass(frozen=True, kw_only=True)
class Content:
    """The blobs of a manifest: its configuration, then its layers from the lowest up."""

    config: Blob
    layers: tuple[Blob, ...]

    @property
    def size(self) -> int:
        """Compressed bytes of configuration and layers together, each counted once."""
        return sum(blob.size for blob in {self.config, *self.layers})


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The bytes of a manifest or index with their media type; the digest follows from them.

    What its bytes say is read by methods that take the `place` where it lies, for messages. They
    raise `RegistryError` where the bytes are not a JSON object.
    """

    body: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """The sha256 digest of the bytes."""
        return digest_of(self.body)

    @property
    def is_index(self) -> bool:
        """True for an index of manifests, by its media type."""
        return self.media_type in INDEXES

    def require_index(self, place: str, remedy: str) -> None:
        """Return if it is an index.

        :raises RegistryError: if it is not, with what it is and the `remedy`.
        """
        if not self.is_index:
            seen = self.media_type or "no media type"
            raise RegistryError(f"{place}: this is not an index of platforms ({seen}).\n{remedy}")

    def document(self, place: str) -> dict[str, Any]:
        """Return the JSON object."""
        document = parse_json(self.body, f"{place}: the manifest")
        if not isinstance(document, dict):
            raise RegistryError(f"{place}: the manifest is not a JSON object")
        return document

    def annotations(self, place: str) -> dict[str, str]:
        """Return its annotations, as `annotations_of` does."""
        return annotations_of(self.document(place))

    def entries(self, place: str) -> tuple[Child, ...]:
        """Return all that an index names, in its order; what is not a platform has none.

        :raises RegistryError: if an entry has no proper digest, size or media type.
        """
        entries = self.document(place).get("manifests")
        if not isinstance(entries, list):
            raise RegistryError(f"{place}: the index has no list of manifests")
        return tuple(_child(entry, place) for entry in entries)

    def children(self, place: str) -> tuple[Child, ...]:
        """Return the platform images of an index, sorted by platform.

        Entries of platform `unknown/unknown` are attestations (BuildKit's convention) and are no
        platforms; other entries without a platform are not runnable and are left out too.

        :raises RegistryError: if an entry has no proper digest, size or media type.
        """
        found = self.entries(place)
        runnable = [c for c in found if c.platform and not c.platform.startswith("unknown/")]
        return tuple(sorted(runnable, key=lambda c: (c.platform, c.digest)))

    def content(self, place: str) -> Content:
        """Return the blobs of an image manifest.

        :raises RegistryError: if it is not an image manifest.
        """
        document = self.document(place)
        layers = document.get("layers")
        if not isinstance(layers, list) or "config" not in document:
            raise RegistryError(f"{place}: this is not an image manifest (no config or layers)")
        return Content(
            config=_descriptor(document["config"], place),
            layers=tuple(_descriptor(layer, place) for layer in layers),
        )


def assemble(children: Sequence[Child], annotations: Mapping[str, str]) -> Manifest:
    """Return the index of `children`: equal content gives equal bytes, in whatever order it came.

    Fields follow the order of the OCI image index specification, children are sorted by
    platform, annotations by key, and no whitespace is written.
    """
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [_entry(child) for child in sorted(children, key=lambda c: c.platform)],
    }
    if annotations:
        document["annotations"] = dict(sorted(annotations.items()))
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return Manifest(body=body, media_type=OCI_INDEX)


def _entry(child: Child) -> dict[str, Any]:
    os, architecture, *variant = child.platform.split("/")
    platform = {"architecture": architecture, "os": os}
    if variant:
        platform["variant"] = variant[0]
    return {
        "mediaType": child.media_type,
        "digest": child.digest,
        "size": child.size,
        "platform": platform,
    }


def assemble_artifact(
    media_type: str,
    layer: bytes = b"",
    annotations: Mapping[str, str] | None = None,
    subject: Manifest | None = None,
) -> Manifest:
    """Return the manifest of an OCI artifact with one layer of its own type, or an empty one.

    Its configuration and an empty layer are the blob `EMPTY`. One with a `subject` refers to that.
    """
    empty = _describe(_EMPTY_TYPE, EMPTY)
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": media_type,
        "config": empty,
        "layers": [_describe(media_type, layer) if layer else empty],
    }
    if subject is not None:
        document["subject"] = _describe(subject.media_type, subject.body)
    if annotations:
        document["annotations"] = dict(annotations)
    body = json.dumps(document, separators=(",", ":")).encode()
    return Manifest(body=body, media_type=OCI_MANIFEST)


def _describe(media_type: str, body: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(body), "size": len(body)}


def annotations_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the string annotations of a manifest or index, without the malformed ones.

    JSON can name half a character (a lone surrogate), which neither a state nor an index can hold.
    """
    found = document.get("annotations")
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if _is_text(key) and _is_text(value)}


def _is_text(value: Any) -> bool:
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def _child(entry: Any, place: str) -> Child:
    fields = _descriptor(entry, place)
    platform = entry.get("platform")
    return Child(
        platform=platform_name(platform) if isinstance(platform, dict) else "",
        digest=fields.digest,
        size=fields.size,
        media_type=one_line(str(entry.get("mediaType", OCI_MANIFEST))),
    )


def platform_name(fields: Mapping[str, Any]) -> str:
    """Return `os/architecture[/variant]` of a platform object or image configuration.

    An arm64 variant of v8 is left out, because it is the architecture's only one. What is not
    spelt as a platform is none.
    """
    parts = [fields.get(key, "") for key in ("os", "architecture", "variant")]
    if not all(isinstance(part, str) for part in parts):
        return ""
    if parts[2] == "" or parts[1:] == ["arm64", "v8"]:
        del parts[2]
    return "/".join(parts) if all(map(_PART.fullmatch, parts)) else ""


def _descriptor(entry: Any, place: str) -> Blob:
    fields = entry if isinstance(entry, dict) else {}
    digest, size = fields.get("digest"), fields.get("size")
    if not isinstance(digest, str) or not is_digest(digest):
        raise RegistryError(f"{place}: {one_line(repr(digest))} is not a sha256 digest")
    if not isinstance(size, int) or size < 0:
        raise RegistryError(f"{place}: {one_line(repr(size))} is not a size in bytes")
    return Blob(digest=digest, size=size)
