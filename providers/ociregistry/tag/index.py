"""The index that a tag shall name, pure: its source's own bytes, or several joined into one."""

from collections.abc import Sequence
from typing import Final

from fleet.registry.errors import RegistryError
from fleet.registry.manifest import OWNER_ANNOTATION, Manifest, assemble
from fleet.registry.reference import ManifestReference
from providers.ociregistry.tag.model import TagInputs

Read = tuple[ManifestReference, Manifest]

_REMEDY: Final = (
    "Nothing was written. Build it as an index, or make one of it with `docker buildx imagetools "
    "create`, and name that as the source"
)


def index_of(inputs: TagInputs, sources: Sequence[Read]) -> Manifest:
    """Return what a tag shall name, from its sources as they were read.

    :raises RegistryError: if a platform that the tag declares is in no source, or is in two; or if
        a source that should have platforms is not an index.
    """
    if inputs.is_pointer and not inputs.joins:
        return sources[0][1]
    for source, manifest in sources:
        manifest.require_index(f"{inputs.ref}, source {source}", _REMEDY)
    names = ", ".join(str(source) for source, _ in sources)
    found = [c for source, manifest in sources for c in manifest.children(str(source))]
    children = {child.platform: child for child in found}
    if inputs.joins and len(children) < len(found):
        raise RegistryError(f"{names}: a platform is in two of these; leave one of them out")
    missing = [platform for platform in inputs.platforms if platform not in children]
    if missing:
        raise RegistryError(
            f"{names}: has {', '.join(children) or 'no platform'}, and not {', '.join(missing)}, "
            f"which {inputs.ref} is declared for; nothing was written"
        )
    if not inputs.joins:
        return sources[0][1]
    annotations = {**inputs.annotations, OWNER_ANNOTATION: inputs.owner}
    return assemble([*children.values()], annotations)
