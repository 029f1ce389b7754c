"""One platform's image: built and pushed by docker-build, then run and checked by it."""

from collections.abc import Mapping
from typing import NamedTuple

import pulumi
import pulumi_docker_build as docker_build

from components.failures import digest_or_nothing
from fleet.build import PlatformBuild, emulation
from fleet.inputs import Assets

_SHARED = "shared"  # the named context that Dockerfiles copy common files from
_NEVER = "see-the-error-of-its-build"  # a tag that never is: what starts from it fails by its name
_TIME_LIMIT = "45m"  # of one build, emulated compilers included
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


def platform_image(
    build: PlatformBuild,
    assets: Assets,
    below: Mapping[str, pulumi.Output[str]],
    parent: pulumi.Resource,
) -> PlatformImage:
    """Declare the build of one platform and its verification, as children of ``parent``.

    ``below`` holds the verified digests of the builds that other images start from, by name.
    """
    built = _build(build, assets, _arguments(build, below), lasting(parent))
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


def _arguments(
    build: PlatformBuild, below: Mapping[str, pulumi.Output[str]]
) -> dict[str, pulumi.Input[str]]:
    if build.below is None:
        return dict(build.arguments)
    digest = below[build.below.name]
    return {
        **build.arguments,
        "BASE": _pinned(build.below.repository, digest),
        "BASE_DIGEST": digest,
    }


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
