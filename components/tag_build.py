"""What docker-build makes: the build of a tag, its verification, and compiled wheels."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import pulumi
import pulumi_docker_build as docker_build

from components.failures import or_else
from fleet.plan import export
from fleet.plan.plan_inputs import Assets
from fleet.plan.platform_build import TagBuild
from fleet.plan.wheel_builds import Build

_SHARED: Final = "shared"  # the named context that Dockerfiles copy common files from
# Tags that never are: what starts from them fails by their names.
_NEVER: Final = "see-the-error-of-its-build"
_NOT_COMPILED: Final = "see-the-error-of-its-wheels"
_MINUTES: Final = 45  # of one platform, emulated compilers included

Digests = Mapping[str, pulumi.Output[str]]
"""Digests by the names of verified builds and of wheels, empty where one failed."""


class VerifiedBuild(NamedTuple):
    """The two resources of a build, and ``verified``: the index's digest, once it passed.

    ``verified`` resolves only after the verification succeeded. It is empty in a preview of a
    build, and when the build or the verification failed.
    """

    build: docker_build.Image
    verification: docker_build.Image
    verified: pulumi.Output[str]


def verified_build(
    build: TagBuild, assets: Assets, digests: Digests, parent: pulumi.Resource
) -> VerifiedBuild:
    """Declare a build and its verification; ``digests`` has what the build starts from."""
    built = _image(
        build.name,
        build,
        parent,
        context=_context(assets.context, assets.shared_context),
        dockerfile=docker_build.DockerfileArgs(location=assets.dockerfile),
        build_args=_arguments(build, digests),
        exports=_pushed(build.reference, build.annotations),
        # What its read looks the image up by.
        tags=[build.reference],
    )
    verification = _image(
        verification_name(build),
        build,
        parent,
        context=_context(assets.verification, assets.shared_verification),
        dockerfile=docker_build.DockerfileArgs(location=assets.verification_dockerfile),
        build_args={
            "IMAGE": _pinned(build.repository, or_else(built.digest, "")),
            "EXPECT": build.expectation,
            # docker-build does not see what changes in a named context (measured on 0.0.22).
            "VERIFICATION": assets.verification_hash,
        },
        # Nothing is kept of it: it passes, or the build fails with what it printed.
        exports=[docker_build.ExportArgs(raw="type=cacheonly")],
    )
    passed = pulumi.Output.all(built.digest, verification.id).apply(lambda known: str(known[0]))
    return VerifiedBuild(build=built, verification=verification, verified=or_else(passed, ""))


def verification_name(build: TagBuild) -> str:
    """Return the logical name of the verification of ``build``."""
    return build.name.replace("/build:", "/verify:")


def wheels_image(wheels: Build) -> pulumi.Output[str]:
    """Declare ``wheels`` and return their digest, empty in a preview of a build and where it fails.

    They are pushed, so that any builder takes them from the registry, and docker-build's own read
    finds their index lost (not a platform's manifest below it: `docs/state.md`). Builds come after
    it: each would otherwise hold one of the engine's operations while one of them compiles.
    """
    image = _image(
        wheels.name,
        wheels,
        None,
        context=_context("assets/shared/image", ""),
        dockerfile=docker_build.DockerfileArgs(location="assets/shared/wheels/Dockerfile"),
        build_args=dict(wheels.arguments),
        exports=_pushed(wheels.reference, {}),
        tags=[wheels.reference],
    )
    return or_else(image.digest, "")


def _arguments(build: TagBuild, digests: Digests) -> dict[str, pulumi.Input[str]]:
    arguments: dict[str, pulumi.Input[str]] = dict(build.arguments)
    for name, wheels in build.wheels.items():
        arguments[name] = _pinned(wheels.repository, digests[wheels.name], _NOT_COMPILED)
    if build.below:
        digest = digests[build.below.name]
        arguments |= {"BASE": _pinned(build.below.repository, digest), "BASE_DIGEST": digest}
    return arguments


def _pinned(repository: str, digest: pulumi.Output[str], never: str = _NEVER) -> pulumi.Output[str]:
    """Return ``repository@digest``; without a digest, a tag that never is and says why."""
    return digest.apply(lambda known: f"{repository}@{known}" if known else f"{repository}:{never}")


def _pushed(reference: str, annotations: Mapping[str, str]) -> list[docker_build.ExportArgs]:
    return [docker_build.ExportArgs(raw=export.pushed(reference, annotations))]


def _context(folder: str, shared: str) -> docker_build.BuildContextArgs:
    """Return the folder that is sent, with what images have in common where that is named."""
    named = {_SHARED: docker_build.ContextArgs(location=shared)} if shared else None
    return docker_build.BuildContextArgs(location=folder, named=named)


def _image(
    name: str, made: Build, parent: pulumi.Resource | None, **own: Any
) -> docker_build.Image:
    """Declare what the builder of ``made`` is to do on its platforms: ``own`` says what."""
    limit = f"{_MINUTES * len(made.platforms)}m"
    return docker_build.Image(
        name,
        pulumi.ResourceOptions(
            parent=parent,
            # Image's own delete removes the digest, and with it every name that shares it.
            retain_on_delete=True,
            custom_timeouts=pulumi.CustomTimeouts(create=limit, update=limit),
        ),
        platforms=[docker_build.Platform(each) for each in export.platforms(made.platforms)],
        builder=docker_build.BuilderConfigArgs(name=made.builder),
        push=False,
        build_on_preview=False,
        exec_=made.foreign or None,
        **own,
    )
