"""One build of a version tag: where it goes, and everything that goes into it.

A tag has one build for each builder that its platforms are built on, which is mostly one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.declaration import tags
from fleet.declaration.base_graph import parent_of
from fleet.declaration.matrix import MatrixEntry
from fleet.declaration.model import Declaration
from fleet.plan.expectation import expectation
from fleet.plan.identity import digest_of
from fleet.plan.installed import Contents, contents
from fleet.plan.plan_inputs import Inputs
from fleet.plan.requirements import requirements
from fleet.plan.wheel_builds import Wheels, wheels_of

OWNER_ANNOTATION = "io.github.multi-py.fleet.owner"
"""The annotation of an index that says whose it is: ``<pulumi project>/<stack>``."""


@dataclass(frozen=True, kw_only=True)
class TagBuild:
    """What docker-build is asked to build, push and verify: some platforms, or all, of a tag.

    ``name`` is the build's reference without the registry, by which its resources are named;
    ``foreign`` says that only a ``docker buildx`` on the machine drives the builder;
    ``annotations`` are those of the index; ``contents`` are by platform; ``expectation`` is the
    JSON that the verification checks the containers against. ``below`` names the build of another
    image that this one starts from: its digest is known only once it was built, so the arguments
    ``BASE`` and ``BASE_DIGEST`` are then left to the components. ``wheels`` are what it installs of
    things that have none, by the argument that their digest goes into.
    """

    name: str
    platforms: tuple[str, ...]
    builder: str
    foreign: bool
    repository: str
    reference: str
    arguments: Mapping[str, str]
    annotations: Mapping[str, str]
    contents: Mapping[str, Contents]
    expectation: str
    identity: str
    below: "TagBuild | None"
    wheels: Mapping[str, Wheels]


def tag_builds(
    entry: MatrixEntry, declaration: Declaration, inputs: Inputs, owner: str
) -> tuple[TagBuild, ...]:
    """Return the builds of ``entry``, one for each builder, in the order of its platforms."""
    builders = dict.fromkeys(declaration.builders[platform] for platform in entry.image.platforms)
    return tuple(_build(entry, builder, declaration, inputs, owner) for builder in builders)


def _build(
    entry: MatrixEntry, builder: str, declaration: Declaration, inputs: Inputs, owner: str
) -> TagBuild:
    every = entry.image.platforms
    own = tuple(p for p in every if declaration.builders[p] == builder)
    place = entry.tag if own == every else tags.build_tag(entry.tag, builder)
    parent = parent_of(entry, declaration.by_name, inputs.lock.yanked)
    below = _build(parent, builder, declaration, inputs, owner) if parent else None
    found = {p: contents(entry, p, declaration.by_name, inputs.lock) for p in every}
    held = {platform: found[platform] for platform in own}
    wheels = wheels_of(entry, builder, held, declaration, inputs.lock)
    arguments = {
        **_described(entry, inputs),
        **_based(entry, parent, declaration, inputs),
        **_installed(entry, found, own, inputs),
    }
    assets = inputs.assets[entry.image.name]
    apart = _based_on(entry, parent, inputs)
    repository = f"{declaration.registry}/{entry.image.name}/build"
    return TagBuild(
        name=f"{entry.image.name}/build:{place}",
        platforms=own,
        builder=builder,
        foreign=declaration.is_foreign(builder),
        repository=repository,
        reference=f"{repository}:{place}",
        arguments=arguments,
        # What tells the index from others, and nothing else; the rest is in its images' labels.
        annotations={
            OWNER_ANNOTATION: owner,
            "org.opencontainers.image.base.name": arguments["BASE_NAME"],
            "org.opencontainers.image.version": arguments["VERSION"],
            "org.opencontainers.image.source": arguments["SOURCE"],
            "org.opencontainers.image.revision": arguments["REVISION"],
        },
        contents=held,
        expectation=expectation(entry, found, own, declaration, inputs.native),
        identity=digest_of(
            [
                list(own),
                assets.context_hash,
                {**arguments, **apart},
                {name: {**w.arguments, "BUILDER": apart["BUILDER"]} for name, w in wheels.items()},
                dict(assets.compiling) if wheels else {},
                below.identity if below else "",
            ]
        ),
        below=below,
        wheels=wheels,
    )


def _described(entry: MatrixEntry, inputs: Inputs) -> dict[str, str]:
    image = entry.image
    assets = inputs.assets[image.name]
    return {
        # BuildKit's own: an index also of one platform, and the date of all that is in it.
        "BUILDKIT_MULTI_PLATFORM": "1",
        "SOURCE_DATE_EPOCH": str(assets.epoch),
        "DESCRIPTION": entry.description,
        "LICENSES": image.licenses,
        "MAINTAINER": image.maintainer,
        "PACKAGE": image.package,
        "PYTHON": entry.python,
        "REVISION": assets.revision,
        "SOURCE": image.source,
        "TITLE": image.title,
        "VERSION": entry.version,
    }


def _based(
    entry: MatrixEntry, parent: MatrixEntry | None, declaration: Declaration, inputs: Inputs
) -> dict[str, str]:
    compiler = {"BUILDER": inputs.lock.builders[entry.builder_key].pinned}
    if parent:
        name = f"{declaration.registry}/{parent.image.name}:{parent.tag}"
        return {**compiler, "BASE_NAME": name}
    base = inputs.lock.bases[entry.base_key]
    return {**compiler, "BASE": base.pinned, "BASE_DIGEST": base.digest, "BASE_NAME": base.name}


def _based_on(entry: MatrixEntry, parent: MatrixEntry | None, inputs: Inputs) -> dict[str, str]:
    """Return the bases as an identity has them, in which it does not count where they came from."""
    compiler = {"BUILDER": inputs.lock.builders[entry.builder_key].identity}
    return compiler if parent else {**compiler, "BASE": inputs.lock.bases[entry.base_key].identity}


def _installed(
    entry: MatrixEntry, found: Mapping[str, Contents], own: tuple[str, ...], inputs: Inputs
) -> dict[str, str]:
    """Return what is installed: the package apart, for versions of it share all the others."""
    lock = inputs.lock
    packages = {platform: held.package for platform, held in found.items()}
    others = {platform: held.dependencies for platform, held in found.items()}
    return {
        "DEPENDENCIES": requirements(entry, others, found, lock, own),
        "REQUIREMENT": requirements(entry, packages, found, lock, own),
        "INSTALLER": lock.files[lock.installer][0],
    }
