"""One platform's image: built and pushed by docker-build, then run and checked by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pulumi
import pulumi_docker_build as docker_build

from components.failures import digest_or_nothing, or_else
from fleet.build import PlatformBuild, emulation
from fleet.inputs import Assets

_SHARED = "shared"  # the named context that Dockerfiles copy common files from
# Tags that never are: what starts from them fails by their names.
_NEVER = "see-the-error-of-its-build"
_NOT_COMPILED = "see-the-error-of-its-wheels"
_TIME_LIMIT = "45m"  # of one build, or of one set of wheels, emulated compilers included
# docker-build's enumeration has no linux/arm/v7 and fails on it after the build; BuildKit
# normalises linux/arm to arm/v7, which is what the pushed image says.
_DOCKER_BUILD_NAMES = {"linux/arm/v7": "linux/arm"}


class PlatformImage(NamedTuple):
    """The two resources of a platform, and ``verified``: the digest, once it passed.

    ``verified`` resolves only after the verification succeeded, so that whoever takes the digest
    from there can't get an image that nothing ran. It is empty in a preview of a
    build, and when the build or the verification failed.
    """

    build: docker_build.Image
    verification: docker_build.Image
    verified: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class Before:
    """What builds come after: ``verified`` digests by build, what was compiled by its name."""

    verified: Mapping[str, pulumi.Output[str]]
    wheels: Mapping[str, pulumi.Resource]


def platform_image(
    build: PlatformBuild,
    assets: Assets,
    before: Before,
    parent: pulumi.Resource,
) -> PlatformImage:
    """Declare the build of one platform and its verification, as children of ``parent``."""
    built = _build(build, assets, _arguments(build, before), lasting(parent))
    verification = _verification(build, assets, built.digest, lasting(parent))
    passed = pulumi.Output.all(built.digest, verification.id).apply(lambda known: str(known[0]))
    return PlatformImage(build=built, verification=verification, verified=digest_or_nothing(passed))


def verification_name(build: PlatformBuild) -> str:
    """Return the logical name of the verification of ``build``."""
    return build.name.replace("/build:", "/verify:")


def lasting(parent: pulumi.Resource | None) -> pulumi.ResourceOptions:
    """Return the options of a build: it may take long, and its deletion deletes nothing."""
    return pulumi.ResourceOptions(
        parent=parent,
        # Image's own delete removes the digest, and with it every name that shares it.
        retain_on_delete=True,
        custom_timeouts=pulumi.CustomTimeouts(create=_TIME_LIMIT, update=_TIME_LIMIT),
    )


def _arguments(build: PlatformBuild, before: Before) -> dict[str, pulumi.Input[str]]:
    arguments: dict[str, pulumi.Input[str]] = dict(build.arguments)
    if build.wheels:
        arguments["BUILDER"] = _once_compiled(build, before.wheels[build.wheels.name])
    if build.below:
        digest = before.verified[build.below.name]
        arguments |= {"BASE": _pinned(build.below.repository, digest), "BASE_DIGEST": digest}
    return arguments


def _once_compiled(build: PlatformBuild, wheels: pulumi.Resource) -> pulumi.Output[str]:
    """Return the builder's image, after the wheels were made; one that never is, where that failed.

    Builds that wait in BuildKit for one and the same compilation would take the engine's operations
    from those that could go on, and each of them would try again what has failed. The URN and not
    the id, which no preview knows.
    """
    builder = wheels.urn.apply(lambda _: build.arguments["BUILDER"])
    return or_else(builder, f"{build.repository}:{_NOT_COMPILED}")


def _pinned(repository: str, digest: pulumi.Output[str]) -> pulumi.Output[str]:
    return digest.apply(
        lambda known: f"{repository}@{known}" if known else f"{repository}:{_NEVER}"
    )


def context(location: str, shared: str) -> docker_build.BuildContextArgs:
    """Return the folder that a build is sent, with what images have in common where it is named."""
    named = {_SHARED: docker_build.ContextArgs(location=shared)} if shared else None
    return docker_build.BuildContextArgs(location=location, named=named)


def _build(
    build: PlatformBuild,
    assets: Assets,
    arguments: dict[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> docker_build.Image:
    # A raw export, for docker-build's own has no rewrite-timestamp; without it no rebuild gives
    # the same bytes. `tags` is what its read looks the image up by.
    export = (
        f"type=image,push=true,oci-mediatypes=true,rewrite-timestamp=true,name={build.reference}"
    )
    return docker_build.Image(
        build.name,
        opts,
        context=context(assets.context, assets.shared_context),
        dockerfile=docker_build.DockerfileArgs(location=f"{assets.context}/Dockerfile"),
        build_args=arguments,
        platforms=platforms(build.platform),
        builder=docker_build.BuilderConfigArgs(name=build.builder),
        exports=[docker_build.ExportArgs(raw=export)],
        tags=[build.reference],
        cache_from=_cached(build),
        push=False,
        build_on_preview=False,
        exec_=build.foreign or None,
    )


def _verification(
    build: PlatformBuild,
    assets: Assets,
    digest: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> docker_build.Image:
    image = _pinned(build.repository, digest_or_nothing(digest))
    return docker_build.Image(
        verification_name(build),
        opts,
        context=context(assets.verification, assets.shared_verification),
        dockerfile=docker_build.DockerfileArgs(location=f"{assets.verification}/Dockerfile"),
        build_args={
            "IMAGE": image,
            "EXPECT": build.expectation,
            # docker-build does not see what changes in a named context (measured on 0.0.22).
            "VERIFICATION": assets.verification_hash,
            **emulation(build.platform),
        },
        platforms=platforms(build.platform),
        builder=docker_build.BuilderConfigArgs(name=build.builder),
        # Nothing is kept of it: it passes, or the build fails with what it printed.
        exports=[docker_build.ExportArgs(raw="type=cacheonly")],
        push=False,
        build_on_preview=False,
        exec_=build.foreign or None,
    )


def _cached(build: PlatformBuild) -> list[docker_build.CacheFromArgs] | None:
    if build.wheels is None:
        return None
    registry = docker_build.CacheFromRegistryArgs(ref=build.wheels.cache)
    return [docker_build.CacheFromArgs(registry=registry)]


def platforms(platform: str) -> list[docker_build.Platform]:
    """Return ``platform`` as docker-build knows it."""
    return [docker_build.Platform(_DOCKER_BUILD_NAMES.get(platform, platform))]
