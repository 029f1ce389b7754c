"""Compiled wheels of an image: an image of their own, which builds take by its digest.

It is pushed, so that a builder that never saw the wheels takes them from the registry, whatever
tag, base or version it builds, and so that docker-build's own read finds their index lost (not a
platform's manifest below it: `docs/state.md`).
"""

import pulumi
import pulumi_docker_build as docker_build

from components.failures import digest_or_nothing
from components.tag_build import context, lasting, platforms, pushed
from fleet.plan.wheel_builds import Wheels

_CONTEXT = "assets/shared/image"
_DOCKERFILE = "assets/shared/wheels/Dockerfile"


def wheels_image(wheels: Wheels) -> pulumi.Output[str]:
    """Declare ``wheels`` and return their digest, empty in a preview of a build and where it fails.

    Builds come after it. If each of them compiled, they would wait in BuildKit for one and the same
    compilation, hold the engine's operations meanwhile, and each try again what has failed.
    """
    image = docker_build.Image(
        wheels.name,
        lasting(None, wheels.platforms),
        context=context(_CONTEXT, ""),
        dockerfile=docker_build.DockerfileArgs(location=_DOCKERFILE),
        build_args=dict[str, pulumi.Input[str]](wheels.arguments),
        platforms=platforms(wheels.platforms),
        builder=docker_build.BuilderConfigArgs(name=wheels.builder),
        exports=pushed(wheels.reference, {}),
        tags=[wheels.reference],
        push=False,
        build_on_preview=False,
        exec_=wheels.foreign or None,
    )
    return digest_or_nothing(image.digest)
