"""One build of a version tag: where it goes, and everything that goes into it."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.declaration import tags
from fleet.declaration.base_graph import parent_of
from fleet.declaration.matrix import MatrixEntry
from fleet.declaration.model import Declaration
from fleet.plan.expectation import expectation
from fleet.plan.identity import digest_of
from fleet.plan.installed import Contents, contents
from fleet.plan.plan_inputs import Assets, Inputs
from fleet.plan.requirements import requirements
from fleet.plan.wheel_builds import Build, wheels_of

OWNER_ANNOTATION = "io.github.multi-py.fleet.owner"
"""The annotation of an index that says whose it is: ``<pulumi project>/<stack>``."""


@dataclass(frozen=True, kw_only=True)
class TagBuild(Build):
    """The build, and verification, of some platforms, or all, of a tag.

    ``contents`` are by platform; ``expectation`` is the JSON that containers are checked against.
    ``below`` is the build of another image that this one starts from, whose digest the components
    put into the arguments ``BASE`` and ``BASE_DIGEST``. ``wheels`` are what it installs of things
    that have none, by the argument that their digest goes into.
    """

    annotations: Mapping[str, str]
    contents: Mapping[str, Contents]
    expectation: str
    identity: str
    below: "TagBuild | None"
    wheels: Mapping[str, Build]

    @property
    def lowest(self) -> "TagBuild":
        """The build that starts from an official base: this one, or what is at its bottom."""
        return self.below.lowest if self.below else self


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
    assets, lock = inputs.assets[entry.image.name], inputs.lock
    compiler = lock.builders[entry.builder_key]
    packages = {platform: held.package for platform, held in found.items()}
    others = {platform: held.dependencies for platform, held in found.items()}
    arguments = {
        **_described(entry, assets),
        "BUILDER": compiler.pinned,
        # The package apart: versions of it share all the others.
        "DEPENDENCIES": requirements(others, found, own),
        "REQUIREMENT": requirements(packages, found, own),
        "INSTALLER": lock.files[lock.installer][0],
    }
    # In an identity it does not count where bases were pulled from.
    apart = {"BUILDER": compiler.identity}
    if parent:
        arguments["BASE_NAME"] = f"{declaration.registry}/{parent.image.name}:{parent.tag}"
    else:
        base = lock.bases[entry.base_key]
        arguments |= {"BASE": base.pinned, "BASE_DIGEST": base.digest, "BASE_NAME": base.name}
        apart["BASE"] = base.identity
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
                {name: {**w.arguments, "BUILDER": compiler.identity} for name, w in wheels.items()},
                dict(assets.compiling) if wheels else {},
                below.identity if below else "",
            ]
        ),
        below=below,
        wheels=wheels,
    )


def _described(entry: MatrixEntry, assets: Assets) -> dict[str, str]:
    image = entry.image
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
