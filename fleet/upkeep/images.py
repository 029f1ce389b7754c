"""The two repositories of an image, and which image has a tag."""

from dataclasses import dataclass

from fleet.console import TroubleError
from fleet.plan.plan import ImagePlan, Plan
from fleet.registry.reference import Repository
from fleet.registry.undo_log import build_repository_of


@dataclass(frozen=True, kw_only=True)
class Image:
    """The repositories of an image, and the tags of its build repository that the plan names.

    ``pinned`` are the digests that tags are held at.
    """

    public: Repository
    planned: frozenset[str]
    pinned: frozenset[str] = frozenset()

    @property
    def build(self) -> Repository:
        """The build repository: builds, and wheels that were compiled for them."""
        return build_repository_of(self.public)

    @property
    def repositories(self) -> tuple[Repository, Repository]:
        """Both."""
        return (self.public, self.build)


def image_of(plan: ImagePlan) -> Image:
    """Return the repositories of a planned image."""
    places = [build.reference for tag in plan.tags for build in tag.builds]
    places += [wheels.reference for wheels in plan.compiling]
    tags = (place.rpartition(":")[2] for place in places)
    pinned = frozenset(tag.pin.to for tag in plan.tags if tag.pin)
    public = Repository.parse(plan.repository)
    return Image(public=public, planned=frozenset(tags), pinned=pinned)


def declaring(plan: Plan, tag: str, image: str = "") -> ImagePlan:
    """Return the image that declares ``tag``; ``image`` says which, where several do.

    :raises TroubleError: if none does, or more than one.
    """
    found = [
        each
        for each in plan.images
        if image in {"", each.name}
        and tag in {*(version.tag for version in each.tags), *(p.tag for p in each.pointers)}
    ]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(each.name for each in found)
        raise TroubleError(f"{tag} is a tag of several images: {names}.\nName one by IMAGE=")
    where = f"the image {image}" if image else "any image"
    raise TroubleError(
        f"{tag} is not a declared tag of {where}.\n"
        "`make restore` puts a removed tag back; `make plan` shows what is declared"
    )
