"""What is compiled of an image: made by itself, for the registry to keep it.

A build that compiles does so in the same stage, which its builder runs once for all that ask for
it. This resource asks first, for builds come after it, and writes what comes of it, the wheels
alone, to the image's cache repository. A builder that never saw them takes them from there,
whatever tag, base or version it builds: nothing else of a build is worth its bytes
(docs/adr/0012).
"""

import pulumi
import pulumi_docker_build as docker_build

from components.platform_image import context, lasting, platforms
from fleet.build import PlatformBuild
from fleet.inputs import Assets
from fleet.wheels import Wheels

_STAGE = "wheels"


def wheels_image(wheels: Wheels, build: PlatformBuild, assets: Assets) -> docker_build.Image:
    """Declare the ``wheels`` of ``build``, written to the registry."""
    shared = assets.shared_context
    return docker_build.Image(
        wheels.name,
        lasting(None),
        # The stage reads nothing of the image's own files, which must not have it made again.
        context=context(shared, shared),
        dockerfile=docker_build.DockerfileArgs(location=f"{assets.context}/Dockerfile"),
        target=_STAGE,
        build_args=dict[str, pulumi.Input[str]](wheels.arguments),
        platforms=platforms(build.platform),
        builder=docker_build.BuilderConfigArgs(name=build.builder),
        exports=[docker_build.ExportArgs(raw="type=cacheonly")],
        cache_from=[
            docker_build.CacheFromArgs(
                registry=docker_build.CacheFromRegistryArgs(ref=wheels.cache)
            )
        ],
        cache_to=[
            docker_build.CacheToArgs(
                registry=docker_build.CacheToRegistryArgs(
                    ref=wheels.cache,
                    # The stage's own layer; the builder's, which is some 400 MB, stays out.
                    mode=docker_build.CacheMode.MIN,
                    # Distribution refuses the cache in its default shape, and a cache that can't
                    # be written must not cost an image.
                    image_manifest=True,
                    oci_media_types=True,
                    ignore_error=True,
                )
            )
        ],
        push=False,
        build_on_preview=False,
        exec_=build.foreign or None,
    )
