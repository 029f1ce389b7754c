"""Removability of a tag that nothing declares: whose it is, and whether it is a pointer at all."""

from collections.abc import Collection
from dataclasses import dataclass

from fleet.http.text import one_line
from fleet.registry.client import Client
from fleet.registry.manifest import (
    OWNER_ANNOTATION,
    VERSION_ANNOTATION,
    Manifest,
    annotations_of,
    document_of,
)
from fleet.registry.removal.placeholder import is_placeholder
from providers.ociregistry.stale_pointers.model import (
    Pointer,
    StaleInputs,
    may_be_version,
    versions_of_line,
)


@dataclass(frozen=True, kw_only=True)
class Removability:
    """The manifest that a tag names, None where it is gone, and why the tag must stay.

    An empty `objection` says that it is removable, `unfinished` that a removal was interrupted.
    """

    manifest: Manifest | None
    objection: str = ""
    unfinished: bool = False


@dataclass(frozen=True, kw_only=True)
class RemovabilityCheck:
    """Reads a tag and tells whether it is removable.

    A tag in the form of an X or X.Y pointer may be the tag of a version of one or two parts, the
    only name of its image. It counts as a pointer in two cases alone: another tag, which is that
    of a longer version of the same line, names the same digest (so no image loses its last name);
    or its index was assembled by us for a version that the tag does not end in. Our annotation
    by itself proves nothing, for a version tag of ours carries it too.
    """

    registry: Client

    async def check(
        self, inputs: StaleInputs, pointer: Pointer, tags: Collection[str]
    ) -> Removability:
        """Return the removability of a pointer, given all tags of its repository.

        :raises RegistryError: if the registry fails.
        """
        found = await self.look(inputs, pointer)
        if found.manifest is None or found.unfinished:
            return found
        objection = await self._objection(inputs, pointer.tag, found.manifest, tags)
        return Removability(manifest=found.manifest, objection=objection)

    async def look(self, inputs: StaleInputs, pointer: Pointer) -> Removability:
        """Return what a pointer names and whether its removal was interrupted, in one request.

        :raises RegistryError: if the registry fails.
        """
        manifest = await self.registry.get(inputs.repository, pointer.tag)
        return Removability(
            manifest=manifest, unfinished=manifest is not None and is_placeholder(manifest)
        )

    async def _objection(
        self, inputs: StaleInputs, tag: str, manifest: Manifest, tags: Collection[str]
    ) -> str:
        annotations = annotations_of(document_of(manifest, manifest.digest))
        owner = annotations.get(OWNER_ANNOTATION, "")
        if owner not in {"", inputs.owner}:
            return f"owned by {one_line(owner)}"
        if not may_be_version(tag):
            return ""
        version = annotations.get(VERSION_ANNOTATION, "") if owner else ""
        if version:
            is_own = tag.endswith(f"-{version}")
            return f"it is the tag of version {version}" if is_own else ""
        if await self._is_shared(inputs, tag, manifest.digest, tags):
            return ""
        return "it may be a version tag: no version tag of its line names the same digest"

    async def _is_shared(
        self, inputs: StaleInputs, tag: str, digest: str, tags: Collection[str]
    ) -> bool:
        """Tell whether a version of the line has the digest; the highest is asked for first."""
        for version in versions_of_line(tag, tags, inputs.grammar):
            if await self.registry.head(inputs.repository, version) == digest:
                return True
        return False
