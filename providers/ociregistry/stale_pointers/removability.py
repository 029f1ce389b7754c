"""Removability of a tag that nothing declares: whose it is, and whether it is a pointer at all."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from fleet.http.text import one_line
from fleet.registry.client import Client
from fleet.registry.manifest import OWNER_ANNOTATION, VERSION_ANNOTATION, Manifest
from fleet.registry.removal.placeholder import is_placeholder
from providers.ociregistry.stale_pointers.model import StaleInputs, may_be_version


@dataclass(frozen=True, kw_only=True)
class Removability:
    """The manifest that a tag names, and why the tag must stay: empty where it is removable."""

    manifest: Manifest
    objection: str = ""

    @property
    def unfinished(self) -> bool:
        """True where a removal of the tag was interrupted."""
        return is_placeholder(self.manifest)


async def look(registry: Client, inputs: StaleInputs, tag: str) -> Removability | None:
    """Return what a pointer names, by one request; None where it is gone.

    :raises RegistryError: if the registry fails.
    """
    manifest = await registry.get(inputs.repository, tag)
    return None if manifest is None else Removability(manifest=manifest)


async def check(
    registry: Client, inputs: StaleInputs, tag: str, tags: Collection[str]
) -> Removability | None:
    """Return the removability of a pointer, given all `tags` of its repository.

    A tag in the form of an X or X.Y pointer may be the tag of a version of one or two parts, the
    only name of its image. It counts as a pointer in two cases alone: another tag, which is that
    of a longer version of the same line, names the same digest (so no image loses its last name);
    or its index was assembled by us for a version that the tag does not end in. Our annotation
    by itself proves nothing, for a version tag of ours carries it too.

    :raises RegistryError: if the registry fails.
    """
    found = await look(registry, inputs, tag)
    if found is None or found.unfinished:
        return found
    annotations = found.manifest.annotations(found.manifest.digest)
    owner, version = annotations.get(OWNER_ANNOTATION, ""), annotations.get(VERSION_ANNOTATION, "")
    if owner not in {"", inputs.owner}:
        return replace(found, objection=f"owned by {one_line(owner)}")
    if not may_be_version(tag):
        return found
    if owner and version:
        is_own = tag.endswith(f"-{version}")
        return replace(found, objection=f"it is the tag of version {version}" if is_own else "")
    # The highest version is asked for first, for it is mostly that.
    for longer in inputs.versions_of_line(tag, tags):
        if await registry.head(inputs.repository, longer) == found.manifest.digest:
            return found
    why = "it may be a version tag: no version tag of its line names the same digest"
    return replace(found, objection=why)
