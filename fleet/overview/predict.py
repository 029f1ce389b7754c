"""What an up would do to every name of a plan, by what the state knows; pure.

The entries are those that a preview sums up. A preview asks builder and registry; this look knows
only inputs, so what somebody changed in the registry since the last refresh is not in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.declaration.tags import Tag
from fleet.overview.recorded_state import Build, Known
from fleet.plan import export
from fleet.plan.plan import ImagePlan, Plan, VersionTag
from fleet.plan.platform_build import TagBuild
from fleet.plan.pointers import Pointer
from fleet.registry.reference import ManifestReference, Repository, TagReference
from providers.ociregistry.report import Entry
from providers.ociregistry.tag.model import TagInputs
from providers.ociregistry.tag.predict import predict
from providers.ociregistry.tag.prior_state import PriorState
from providers.ociregistry.tag.reasons import shortened

_OF_BELOW = ("BASE", "BASE_DIGEST")
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
    prior = known.tags.get(str(ref), PriorState())
    build_inputs = shortened(tag.build_inputs)
    inputs = TagInputs(
        ref=ref,
        owner=plan.owner,
        sources=tuple(
            _manifest(build.repository, _digest(build, tag, build_inputs, prior, known))
            for build in tag.builds
        ),
        platforms=tag.platforms,
        identity=tag.identity,
        inputs=build_inputs,
        annotations=tag.annotations if len(tag.builds) > 1 else {},
        on_conflict=plan.version_conflict,
    )
    return Foreseen(entry=predict(inputs, prior).entry, new=prior.recorded is None)


def _digest(
    build: TagBuild,
    tag: VersionTag,
    build_inputs: Mapping[str, str],
    prior: PriorState,
    known: Known,
) -> str:
    """Return what a build gives, empty where only building it will tell."""
    built = known.builds.get(build.name)
    wheels = all(wheels.name in known.builds for wheels in build.wheels.values())
    recorded = prior.recorded
    same = recorded is not None and recorded.identity == tag.identity
    if built is None or not wheels or not _is_asked_again(build, built):
        return ""
    return built.digest if same or _has_same_files(build, build_inputs, prior) else ""


def _is_asked_again(build: TagBuild, built: Build) -> bool:
    """Tell whether docker-build is asked for just what it has ``built``."""
    apart = (*build.wheels, *(_OF_BELOW if build.below else ()))
    arguments = {key: value for key, value in built.arguments.items() if key not in apart}
    return (
        built.builder == build.builder
        and arguments == dict(build.arguments)
        and built.exports == (export.pushed(build.reference, build.annotations),)
        and built.platforms == export.platforms(build.platforms)
    )


def _has_same_files(build: TagBuild, build_inputs: Mapping[str, str], prior: PriorState) -> bool:
    """Tell whether what is in no argument of a build is as it was: its files, the image below."""
    below = {f"image {platform}" for platform in build.platforms}
    watched = [
        name for name in {*prior.inputs, *build_inputs} if name in below or name.startswith("file ")
    ]
    return bool(prior.inputs) and all(
        prior.inputs.get(name) == build_inputs.get(name) for name in watched
    )


def _pointer(
    pointer: Pointer,
    image: ImagePlan,
    plan: Plan,
    known: Known,
    versions: Mapping[Tag, Foreseen],
) -> Foreseen:
    ref = TagReference.parse(f"{image.repository}:{pointer.tag}")
    prior = known.tags.get(str(ref), PriorState())
    inputs = TagInputs(
        ref=ref,
        owner=plan.owner,
        sources=(_manifest(image.repository, versions[pointer.target].entry.digest),),
        identity=pointer.target,
        on_conflict=plan.pointer_conflict,
    )
    return Foreseen(entry=predict(inputs, prior).entry, new=prior.recorded is None)


def _manifest(repository: str, digest: str) -> ManifestReference:
    return ManifestReference(repository=Repository.parse(repository), digest=digest)
