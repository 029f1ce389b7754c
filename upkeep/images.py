"""The three repositories of an image."""

from dataclasses import dataclass

from fleet.plan import ImagePlan
from providers.ociregistry.reference import Repository
from providers.ociregistry.undo import workshop_of


@dataclass(frozen=True, kw_only=True)
class Image:
    """The repositories of an image, and the tags of its workshops that the plan names."""

    public: Repository
    planned: frozenset[str]

    @property
    def build(self) -> Repository:
        """The workshop of platform images."""
        return workshop_of(self.public)

    @property
    def cache(self) -> Repository:
        """The workshop of build caches."""
        return Repository(host=self.public.host, name=f"{self.public.name}/cache")

    @property
    def repositories(self) -> tuple[Repository, Repository, Repository]:
        """All three."""
        return (self.public, self.build, self.cache)


def image_of(plan: ImagePlan) -> Image:
    """Return the repositories of a planned image."""
    builds = [build for tag in plan.tags for build in tag.builds]
    places = [build.reference for build in builds]
    places += [build.wheels.cache for build in builds if build.wheels]
    tags = (place.rpartition(":")[2] for place in places)
    return Image(public=Repository.parse(plan.repository), planned=frozenset(tags))
