"""What an up would do to every name of a plan, by what the state knows; pure.

The entries are those that a preview sums up. A preview asks builder and registry; this look knows
only inputs, so what somebody changed in the registry since the last refresh is not in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.build import PlatformBuild
from fleet.names import Tag
from fleet.plan import ImagePlan, Plan, VersionTag
from fleet.pointers import Pointer
from overview.known import Known
from providers.ociregistry.before import Before
from providers.ociregistry.outlook import foresee
from providers.ociregistry.reasons import shortened
from providers.ociregistry.reference import ManifestReference, Repository, TagReference
from providers.ociregistry.report import Entry
from providers.ociregistry.tag import TagInputs

_GIVEN_BY_COMPONENTS = ("BASE", "BASE_DIGEST")
"""Arguments of a build that starts from another: its digest is in the state, not in the plan."""


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """One declared name: what becomes of it, and whether no state knew it before."""

    entry: Entry
    new: bool


@dataclass(frozen=True, kw_only=True)
class Undeclared:
    """Tags of one repository that the state knows and nothing declares."""

    versions: tuple[str, ...]
    pointers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ImageForesight:
    """All names of one repository, in the plan's order."""

    plan: ImagePlan
    versions: Mapping[Tag, Foreseen]
    pointers: tuple[tuple[Pointer, Foreseen], ...]
    undeclared: Undeclared

    @property
    def entries(self) -> list[Entry]:
        """What becomes of each declared name."""
        return [f.entry for f in (*self.versions.values(), *(f for _, f in self.pointers))]


@dataclass(frozen=True, kw_only=True)
class Foresight:
    """All of one stack; ``gone`` are the repositories that no image declares any more."""

    images: tuple[ImageForesight, ...]
    gone: Mapping[str, Undeclared]


def foresight(plan: Plan, known: Known) -> Foresight:
    """Return what becomes of every name that ``plan`` declares or the state knows."""
    apart = _undeclared(plan, known)
    nothing = Undeclared(versions=(), pointers=())
    images = tuple(
        _image(image, plan, known, apart.pop(image.repository, nothing)) for image in plan.images
    )
    return Foresight(images=images, gone=apart)


def _undeclared(plan: Plan, known: Known) -> dict[str, Undeclared]:
    """Return, by repository, what the state knows and ``plan`` does not declare."""
    declared = {
        f"{image.repository}:{tag}"
        for image in plan.images
        for tag in (*(t.tag for t in image.tags), *(p.tag for p in image.pointers))
    }
    found: dict[str, tuple[list[str], list[str]]] = {}
    for ref in known.tags:
        if ref not in declared:
            repository, _, tag = ref.rpartition(":")
            found.setdefault(repository, ([], []))[ref in known.pointers].append(tag)
    return {
        repository: Undeclared(versions=tuple(versions), pointers=tuple(pointers))
        for repository, (versions, pointers) in found.items()
    }


def _image(image: ImagePlan, plan: Plan, known: Known, undeclared: Undeclared) -> ImageForesight:
    versions = {tag.tag: _version(tag, image, plan, known) for tag in image.tags}
    return ImageForesight(
        plan=image,
        versions=versions,
        pointers=tuple((p, _pointer(p, image, plan, known, versions)) for p in image.pointers),
        undeclared=undeclared,
    )


def _version(tag: VersionTag, image: ImagePlan, plan: Plan, known: Known) -> Foreseen:
    ref = TagReference.parse(f"{image.repository}:{tag.tag}")
    before = known.tags.get(str(ref), Before())
    ingredients = shortened(tag.ingredients)
    stands = all(_stands(build, tag, ingredients, before, known) for build in tag.builds)
    recorded = before.recorded.digests if before.recorded is not None else ()
    inputs = TagInputs(
        ref=ref,
        owner=plan.owner,
        sources=tuple(
            _manifest(tag.builds[0].repository, digest)
            for digest in (recorded if stands and recorded else ("",))
        ),
        platforms=tuple(build.platform for build in tag.builds),
        identity=tag.identity,
        inputs=ingredients,
        annotations=tag.annotations,
        on_conflict=plan.version_conflict,
    )
    return Foreseen(entry=foresee(inputs, before).entry, new=before.recorded is None)


def _stands(
    build: PlatformBuild,
    tag: VersionTag,
    ingredients: Mapping[str, str],
    before: Before,
    known: Known,
) -> bool:
    """Tell whether a build is left as it is, so that its digest is known already."""
    same = before.recorded is not None and before.recorded.identity == tag.identity
    return (
        build.name in known.builds
        and known.builders.get(build.name, build.builder) == build.builder
        and (same or _is_built_from(build, ingredients, before, known))
    )


def _is_built_from(
    build: PlatformBuild, ingredients: Mapping[str, str], before: Before, known: Known
) -> bool:
    """Tell whether what is recorded of a build is what it would be given now."""
    apart = _GIVEN_BY_COMPONENTS if build.below else ()
    built = {k: v for k, v in known.builds[build.name].items() if k not in apart}
    watched = [
        name
        for name in {*before.inputs, *ingredients}
        if name == f"image {build.platform}" or name.startswith("file ")
    ]
    return (
        bool(before.inputs)
        and built == dict(build.arguments)
        and all(before.inputs.get(name) == ingredients.get(name) for name in watched)
    )


def _pointer(
    pointer: Pointer,
    image: ImagePlan,
    plan: Plan,
    known: Known,
    versions: Mapping[Tag, Foreseen],
) -> Foreseen:
    ref = TagReference.parse(f"{image.repository}:{pointer.tag}")
    before = known.tags.get(str(ref), Before())
    inputs = TagInputs(
        ref=ref,
        owner=plan.owner,
        sources=(_manifest(image.repository, versions[pointer.target].entry.digest),),
        identity=pointer.target,
        on_conflict=plan.pointer_conflict,
    )
    return Foreseen(entry=foresee(inputs, before).entry, new=before.recorded is None)


def _manifest(repository: str, digest: str) -> ManifestReference:
    return ManifestReference(repository=Repository.parse(repository), digest=digest)
