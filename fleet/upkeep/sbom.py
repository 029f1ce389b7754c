"""Bills of materials of a declared tag, by the digest that it names in the registry."""

from fleet.console import TroubleError
from fleet.plan.plan import ImagePlan, Plan
from fleet.registry.client import Client
from fleet.registry.reference import Repository, TagReference
from fleet.sbom.reader import SbomReader


def declared(plan: Plan, tag: str, image: str = "") -> TagReference:
    """Return the one declared tag of this name; ``image`` says whose, where several have it.

    :raises TroubleError: if none is declared, or more than one.
    """
    found = [each for each in plan.images if tag in _tags(each) and image in {"", each.name}]
    if not found:
        where = f"the image {image}" if image else "any image"
        raise TroubleError(
            f"{tag} is not a declared tag of {where}.\n"
            "Name a version tag or a pointer that `make plan` shows"
        )
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        raise TroubleError(f"{tag} is a tag of several images: {names}.\nName one by IMAGE=")
    return TagReference(repository=Repository.parse(found[0].repository), tag=tag)


async def bills(registry: Client, reference: TagReference, platform: str = "") -> dict[str, bytes]:
    """Return the bill of materials of each platform of a tag, or of one platform.

    :raises TroubleError: if the tag names nothing.
    :raises RegistryError: if the registry fails, or the image can't be read.
    """
    digest = await registry.head(reference.repository, reference.tag)
    if digest is None:
        raise TroubleError(
            f"{reference} is declared and not in the registry, so nothing is known of what it "
            "consists of.\nRun `make up`, which builds it"
        )
    return await SbomReader(registry).sboms(reference.repository, digest, platform)


def _tags(image: ImagePlan) -> set[str]:
    return {*(each.tag for each in image.tags), *(each.tag for each in image.pointers)}
