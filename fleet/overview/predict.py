"""What an up would do to every name of a plan, by what the state knows; pure.

The entries are those that a preview sums up. A preview asks builder and registry; this look knows
only inputs, so what somebody changed in the registry since the last refresh is not in it.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from fleet.overview.recorded_state import Build, Known
from fleet.plan import export
from fleet.plan.plan import ImagePlan, Plan, VersionTag
from fleet.plan.platform_build import TagBuild
from fleet.registry.reference import ManifestReference, Repository, TagReference
from providers.ociregistry.report import Entry
from providers.ociregistry.tag.model import Recorded, TagInputs
from providers.ociregistry.tag.predict import predict
from providers.ociregistry.tag.reasons import shortened

_OF_BELOW = ("BASE", "BASE_DIGEST")
"""Arguments of a build that starts from another: its digest is in the state, not in the plan."""


@dataclass(frozen=True, kw_only=True)
class Undeclared:
    """Tags of one repository that the state knows and nothing declares."""

    versions: list[str] = field(default_factory=list)
    pointers: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ImageForesight:
    """What becomes of every declared tag of a repository; a new one has nothing ``previous``."""

    plan: ImagePlan
    entries: Mapping[str, Entry]
    undeclared: Undeclared


@dataclass(frozen=True, kw_only=True)
class Foresight:
    """All of one stack; ``gone`` are the repositories that no image declares any more."""

    images: tuple[ImageForesight, ...]
    gone: Mapping[str, Undeclared]


def foresight(plan: Plan, known: Known) -> Foresight:
    """Return what becomes of every name that ``plan`` declares or the state knows."""
    images = {image.repository: _entries(image, plan, known) for image in plan.images}
    declared = {f"{place}:{tag}" for place, entries in images.items() for tag in entries}
    apart: defaultdict[str, Undeclared] = defaultdict(Undeclared)
    for ref in (ref for ref in known.tags if ref not in declared):
        repository, _, tag = ref.rpartition(":")
        found = apart[repository]
        (found.pointers if ref in known.pointers else found.versions).append(tag)
    return Foresight(
        images=tuple(
            ImageForesight(
                plan=image,
                entries=images[image.repository],
                undeclared=apart.pop(image.repository, Undeclared()),
            )
            for image in plan.images
        ),
        gone=apart,
    )


def _entries(image: ImagePlan, plan: Plan, known: Known) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for tag in image.tags:
        prior = _prior(image, tag.tag, known)
        entries[tag.tag] = predict(_version(tag, image, plan, prior, known), prior).entry
    for pointer in image.pointers:
        inputs = TagInputs(
            ref=_ref(image, pointer.tag),
            owner=plan.owner,
            sources=(_manifest(image.repository, entries[pointer.target].digest),),
            identity=pointer.target,
            pinned=pointer.pin.because if pointer.pin else "",
            on_conflict=plan.declaration.pointer_conflict,
        )
        entries[pointer.tag] = predict(inputs, _prior(image, pointer.tag, known)).entry
    return entries


def _ref(image: ImagePlan, tag: str) -> TagReference:
    return TagReference.parse(f"{image.repository}:{tag}")


def _prior(image: ImagePlan, tag: str, known: Known) -> Recorded | None:
    return known.tags.get(str(_ref(image, tag)))


def _version(
    tag: VersionTag, image: ImagePlan, plan: Plan, prior: Recorded | None, known: Known
) -> TagInputs:
    if tag.pin:
        return TagInputs(
            ref=_ref(image, tag.tag),
            owner=plan.owner,
            sources=(_manifest(image.repository, tag.pin.to),),
            on_conflict=plan.declaration.version_conflict,
            pinned=tag.pin.because,
        )
    return TagInputs(
        ref=_ref(image, tag.tag),
        owner=plan.owner,
        sources=tuple(
            _manifest(build.repository, _digest(build, tag, prior, known)) for build in tag.builds
        ),
        platforms=tag.platforms,
        identity=tag.identity,
        inputs=shortened(tag.build_inputs),
        annotations=tag.annotations if len(tag.builds) > 1 else {},
        on_conflict=plan.declaration.version_conflict,
    )


def _digest(build: TagBuild, tag: VersionTag, prior: Recorded | None, known: Known) -> str:
    """Return what a build gives, empty where only building it will tell."""
    built = known.builds.get(build.name)
    wheels = all(wheels.name in known.builds for wheels in build.wheels.values())
    same = prior is not None and prior.identity == tag.identity
    if built is None or not wheels or not _is_asked_again(build, built):
        return ""
    return built.digest if same or _has_same_files(build, tag, prior) else ""


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


def _has_same_files(build: TagBuild, tag: VersionTag, prior: Recorded | None) -> bool:
    """Tell whether what is in no argument of a build is as it was: its files, the image below."""
    if prior is None or not prior.inputs:
        return False
    below, inputs = {f"image {p}" for p in build.platforms}, shortened(tag.build_inputs)
    return all(
        prior.inputs.get(name) == inputs.get(name)
        for name in {*prior.inputs, *inputs}
        if name in below or name.startswith("file ")
    )


def _manifest(repository: str, digest: str) -> ManifestReference:
    return ManifestReference(repository=Repository.parse(repository), digest=digest)
