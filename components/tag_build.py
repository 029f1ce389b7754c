"""One build of a tag: built and pushed by docker-build, then run and checked by it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import pulumi
import pulumi_docker_build as docker_build

from components.failures import digest_or_nothing
from fleet.plan import export
from fleet.plan.plan_inputs import Assets
from fleet.plan.platform_build import TagBuild

_SHARED: Final = "shared"  # the named context that Dockerfiles copy common files from
# Tags that never are: what starts from them fails by their names.
_NEVER: Final = "see-the-error-of-its-build"
_NOT_COMPILED: Final = "see-the-error-of-its-wheels"
_MINUTES: Final = 45  # of one platform, emulated compilers included


class VerifiedBuild(NamedTuple):
    """The two resources of a build, and ``verified``: the index's digest, once it passed.

    ``verified`` resolves only after the verification succeeded, so that whoever takes the digest
    from there can't get an image that nothing ran. It is empty in a preview of a
    build, and when the build or the verification failed.
    """

    build: docker_build.Image
    verification: docker_build.Image
    verified: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class Prerequisites:
    """Prerequisites of builds: ``verified`` digests by build, ``wheels`` by their name."""

    verified: Mapping[str, pulumi.Output[str]]
    wheels: Mapping[str, pulumi.Output[str]]


def verified_build(
    build: TagBuild, assets: Assets, prerequisites: Prerequisites, parent: pulumi.Resource
) -> VerifiedBuild:
    """Declare a build and its verification, as children of ``parent``."""
    opts = lasting(parent, build.platforms)
    built = _build(build, assets, _arguments(build, prerequisites), opts)
    verification = _verification(build, assets, built.digest, opts)
    passed = pulumi.Output.all(built.digest, verification.id).apply(lambda known: str(known[0]))
    return VerifiedBuild(build=built, verification=verification, verified=digest_or_nothing(passed))


def verification_name(build: TagBuild) -> str:
    """Return the logical name of the verification of ``build``."""
    return build.name.replace("/build:", "/verify:")


def lasting(parent: pulumi.Resource | None, built_for: Iterable[str]) -> pulumi.ResourceOptions:
    """Return the options of a build: it may take long, and its deletion deletes nothing."""
    limit = f"{_MINUTES * len(tuple(built_for))}m"
    return pulumi.ResourceOptions(
        parent=parent,
        # Image's own delete removes the digest, and with it every name that shares it.
        retain_on_delete=True,
        custom_timeouts=pulumi.CustomTimeouts(create=limit, update=limit),
    )


def _arguments(build: TagBuild, prerequisites: Prerequisites) -> dict[str, pulumi.Input[str]]:
    arguments: dict[str, pulumi.Input[str]] = dict(build.arguments)
    for name, wheels in build.wheels.items():
        digest = prerequisites.wheels[wheels.name]
        arguments[name] = pinned(wheels.repository, digest, _NOT_COMPILED)
    if build.below:
        digest = prerequisites.verified[build.below.name]
        arguments |= {"BASE": pinned(build.below.repository, digest), "BASE_DIGEST": digest}
    return arguments


def pinned(repository: str, digest: pulumi.Output[str], never: str = _NEVER) -> pulumi.Output[str]:
    """Return ``repository@digest``; without a digest, a tag that never is and says why."""
    return digest.apply(lambda known: f"{repository}@{known}" if known else f"{repository}:{never}")


def context(location: str, shared: str) -> docker_build.BuildContextArgs:
    """Return the folder that a build is sent, with what images have in common where it is named."""
    named = {_SHARED: docker_build.ContextArgs(location=shared)} if shared else None
    return docker_build.BuildContextArgs(location=location, named=named)


def pushed(reference: str, annotations: Mapping[str, str]) -> list[docker_build.ExportArgs]:
    """Return the export of an index to ``reference``."""
    return [docker_build.ExportArgs(raw=export.pushed(reference, annotations))]


def platforms(names: Iterable[str]) -> list[docker_build.Platform]:
    """Return platforms as docker-build knows them."""
    return [docker_build.Platform(name) for name in export.platforms(names)]


def _build(
    build: TagBuild,
    assets: Assets,
    arguments: dict[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> docker_build.Image:
    return docker_build.Image(
        build.name,
        opts,
        context=context(assets.context, assets.shared_context),
        dockerfile=docker_build.DockerfileArgs(location=assets.dockerfile),
        build_args=arguments,
        platforms=platforms(build.platforms),
        builder=docker_build.BuilderConfigArgs(name=build.builder),
        exports=pushed(build.reference, build.annotations),
        # What its read looks the image up by.
        tags=[build.reference],
        push=False,
        build_on_preview=False,
        exec_=build.foreign or None,
    )


def _verification(
    build: TagBuild,
    assets: Assets,
    digest: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> docker_build.Image:
    return docker_build.Image(
        verification_name(build),
        opts,
        context=context(assets.verification, assets.shared_verification),
        dockerfile=docker_build.DockerfileArgs(location=assets.verification_dockerfile),
        build_args={
            "IMAGE": pinned(build.repository, digest_or_nothing(digest)),
            "EXPECT": build.expectation,
            # docker-build does not see what changes in a named context (measured on 0.0.22).
            "VERIFICATION": assets.verification_hash,
        },
        platforms=platforms(build.platforms),
        builder=docker_build.BuilderConfigArgs(name=build.builder),
        # Nothing is kept of it: it passes, or the build fails with what it printed.
        exports=[docker_build.ExportArgs(raw="type=cacheonly")],
        push=False,
        build_on_preview=False,
        exec_=build.foreign or None,
    )
