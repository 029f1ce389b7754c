"""Layers, manifests and indexes of images, as bytes that depend on their content alone."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"

_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Blob:
    """Content by digest: ``content`` is the bytes, or the file that holds them."""

    media_type: str
    digest: str
    size: int
    content: bytes | Path

    @property
    def descriptor(self) -> dict[str, Any]:
        """The descriptor (OCI image specification, descriptor.md)."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A gzipped layer; ``diff_id`` is the digest of the tar archive in it."""

    blob: Blob
    diff_id: str


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image of one platform: its manifest, and the blobs that go before it."""

    platform: str
    manifest: Blob
    blobs: tuple[Blob, ...]


def blob(content: bytes, media_type: str) -> Blob:
    """Return ``content`` with its digest."""
    return Blob(media_type=media_type, digest=_digest(content), size=len(content), content=content)


def layer_of_file(path: Path) -> Layer:
    """Return the layer in the gzipped tar archive at ``path``."""
    packed, unpacked, size = hashlib.sha256(), hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            packed.update(chunk)
            size += len(chunk)
    with gzip.open(path) as file:
        while chunk := file.read(_CHUNK):
            unpacked.update(chunk)
    found = Blob(media_type=LAYER, digest=f"sha256:{packed.hexdigest()}", size=size, content=path)
    return Layer(blob=found, diff_id=f"sha256:{unpacked.hexdigest()}")


def layer_of_entry(name: str, content: bytes) -> Layer:
    """Return a layer with one file, readable by all."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    plain = archive.getvalue()
    return Layer(blob=blob(gzip.compress(plain, mtime=0), LAYER), diff_id=_digest(plain))


def image(platform: str, layers: Sequence[Layer], config: Mapping[str, Any]) -> Image:
    """Return the image of ``platform`` with ``layers``, run as ``config`` says (OCI config.md)."""
    settings = {
        **_platform(platform),
        "created": "1970-01-01T00:00:00Z",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": "1970-01-01T00:00:00Z"} for _ in layers],
    }
    configuration = blob(_json(settings), CONFIG)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": configuration.descriptor,
        "layers": [layer.blob.descriptor for layer in layers],
    }
    return Image(
        platform=platform,
        manifest=blob(_json(manifest), MANIFEST),
        blobs=(*(layer.blob for layer in layers), configuration),
    )


def index(images: Sequence[Image], annotations: Mapping[str, str]) -> Blob:
    """Return the index of ``images`` (OCI image-index.md)."""
    entries = [{**i.manifest.descriptor, "platform": _platform(i.platform)} for i in images]
    content = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": entries,
        "annotations": dict(annotations),
    }
    return blob(_json(content), INDEX)


def _platform(name: str) -> dict[str, str]:
    return dict(zip(("os", "architecture", "variant"), name.split("/"), strict=False))


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
