"""The index that a tag shall name, pure: its source's own bytes, or several joined into one."""

from collections.abc import Sequence

from fleet.registry.errors import RegistryError
from fleet.registry.manifest import (
    INDEXES,
    OWNER_ANNOTATION,
    Child,
    Manifest,
    assemble,
    children_of,
    document_of,
)
from fleet.registry.reference import ManifestReference
from providers.ociregistry.tag.model import TagInputs

Read = tuple[ManifestReference, Manifest]


def index_of(inputs: TagInputs, sources: Sequence[Read]) -> Manifest:
    """Return what a tag shall name, from its sources as they were read.

    :raises RegistryError: if a platform that the tag declares is in no source, or is in two; or if
        a source that should have platforms is not an index.
    """
    if inputs.is_pointer and not inputs.joins:
        return sources[0][1]
    children = _children(sources)
    missing = [platform for platform in inputs.platforms if platform not in children]
    if missing:
        names = ", ".join(str(source) for source, _ in sources)
        raise RegistryError(
            f"{names}: has {', '.join(children) or 'no platform'}, and not {', '.join(missing)}, "
            f"which {inputs.ref} is declared for; nothing was written"
        )
    if not inputs.joins:
        return sources[0][1]
    annotations = {**inputs.annotations, OWNER_ANNOTATION: inputs.owner}
    return assemble([child for child, _ in children.values()], annotations)


def _children(sources: Sequence[Read]) -> dict[str, tuple[Child, ManifestReference]]:
    found: dict[str, tuple[Child, ManifestReference]] = {}
    for source, manifest in sources:
        if manifest.media_type not in INDEXES:
            raise RegistryError(
                f"{source} is {manifest.media_type or 'of no media type'}, and no index; build it "
                "with the build argument BUILDKIT_MULTI_PLATFORM=1, also for one platform"
            )
        for child in children_of(document_of(manifest, str(source)), str(source)):
            known = found.setdefault(child.platform, (child, source))
            if known[1] != source:
                raise RegistryError(
                    f"{child.platform} is in {known[1]} and in {source}; leave one of them out"
                )
    return found
