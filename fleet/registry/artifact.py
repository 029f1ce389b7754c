"""A JSON document in a registry: an OCI artifact under a tag, whose one layer holds it packed."""

import gzip
import hashlib
import json
import re
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fleet.http.document import MalformedError, parse_json
from fleet.http.text import one_line
from fleet.registry.client import Client
from fleet.registry.errors import ConflictError, OciError, RegistryError
from fleet.registry.manifest import EMPTY, MANIFEST_LIMIT, assemble_artifact
from fleet.registry.reference import Repository

# OCI distribution specification 1.1, "Pulling manifests": a tag has at most 128 characters.
_LONGEST = 128
_UNPACKED_LIMIT = 64 * 1024 * 1024
_HASHED = 16


class MalformedArtifactError(OciError):
    """The tag does not name such a document."""


class OverwrittenArtifactError(OciError):
    """Another document lies under the tag than the one that was read."""


class OversizedArtifactError(OciError):
    """The document has outgrown what can be read back."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document as it was read; `digest` is that of its manifest."""

    value: Any
    digest: str


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """The place of a document; `media_type` is that of its layer, and the artifact's own type.

    Its methods raise `OciError` where the registry fails or refuses.
    """

    registry: Client
    repository: Repository
    tag: str
    media_type: str

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}"

    async def load(self) -> Document | None:
        """Return the document, None where there is none.

        :raises MalformedArtifactError: if what lies there is none.
        """
        manifest = await self.registry.get(self.repository, self.tag)
        if manifest is None:
            return None
        try:
            document = manifest.document(str(self))
            layers = manifest.content(str(self)).layers
        except RegistryError as error:
            raise MalformedArtifactError(str(error)) from error
        if document.get("artifactType") != self.media_type:
            found = one_line(str(document.get("artifactType")))
            raise MalformedArtifactError(f"artifactType is {found!r}, not {self.media_type!r}")
        try:
            (blob,) = layers
            packed = await self.registry.read_blob(self.repository, blob)
            value = parse_json(_unpacked(packed), "its content")
        except (ValueError, zlib.error, MalformedError) as error:
            raise MalformedArtifactError(str(error)) from error
        return Document(value=value, digest=manifest.digest)

    async def save(self, value: Any, before: str) -> str:
        """Write a document over the one of digest `before`, and return the digest that it has.

        `before` is empty where none was. Nothing is written where that is the same already. The
        displaced manifest is left for the caller to delete.

        :raises OverwrittenArtifactError: if another one lies there by now, before any write.
        :raises OversizedArtifactError: if it takes more than 4 MiB packed, before any write.
        """
        await self._require(before)
        body = _packed(value)
        if len(body) > MANIFEST_LIMIT:
            raise OversizedArtifactError(
                f"{self} would take {len(body)} bytes, more than the {MANIFEST_LIMIT} that are "
                "read back"
            )
        manifest = assemble_artifact(self.media_type, body)
        if manifest.digest == before:
            return before
        for blob in (EMPTY, body):
            await self.registry.write_blob(self.repository, blob)
        # The blobs took up to six requests: another run may have written since.
        await self._require(before)
        await self.registry.put(self.repository, self.tag, manifest, named=before or None)
        return manifest.digest

    async def drop(self, displaced: str) -> None:
        """Delete the manifest that a write displaced, unless it is kept under a tag of its kind.

        A person may keep a document under another tag that begins alike (`undo-`, `ledger-`), and a
        deletion by digest takes all tags of it.
        """
        kind = self.tag.partition("-")[0]

        async def look() -> None:
            listed = (await self.registry.tags(self.repository)).tags
            for tag in (tag for tag in listed if tag.partition("-")[0] == kind):
                if await self.registry.head(self.repository, tag) == displaced:
                    raise ConflictError(f"{self.repository}:{tag} names {displaced}")

        with suppress(ConflictError):
            await look()
            await self.registry.delete(self.repository, displaced, look=look)

    async def _require(self, before: str) -> None:
        live = await self.registry.head(self.repository, self.tag)
        if before != (live or ""):
            raise OverwrittenArtifactError(f"{self} was written meanwhile, by another run")


def tag_for(prefix: str, owner: str) -> str:
    """Return the tag of a document of `owner`, `<pulumi project>/<stack>`.

    Names too long for a tag end in a hash of the whole. Two owners may get the same tag
    (`a-b/c` and `a/b-c`): a document has to say whose it is.
    """
    tag = prefix + re.sub(r"[^A-Za-z0-9._-]", "-", owner)
    if len(tag) <= _LONGEST:
        return tag
    hashed = hashlib.sha256(owner.encode()).hexdigest()[:_HASHED]
    return f"{tag[: _LONGEST - _HASHED - 1]}-{hashed}"


def _packed(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    # Without a time in it, an unchanged document has an unchanged digest.
    return gzip.compress(text.encode(), mtime=0)


def _unpacked(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: with gzip's header (zlib.h)
    text = unpacker.decompress(body, _UNPACKED_LIMIT)
    if not unpacker.eof:
        raise ValueError(f"it is cut off, or longer than {_UNPACKED_LIMIT} bytes")
    return text
