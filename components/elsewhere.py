"""Builds of other stacks of the same fleet: the digests that images here are built on."""

from collections.abc import Mapping
from typing import Any

import pulumi

from fleet.build import PlatformBuild
from fleet.plan import Plan


def verified_elsewhere(plan: Plan) -> dict[str, pulumi.Output[str]]:
    """Return, by build name, the verified digests that other stacks export as ``builds``.

    One that the other stack has not built is an error of the run, and an empty digest.
    """
    references = {
        image: pulumi.StackReference(_qualified(stack)) for image, stack in plan.stacks.items()
    }
    found: dict[str, pulumi.Output[str]] = {}
    for build in _below(plan):
        image = build.name.partition("/build:")[0]
        if image in references:
            exported = references[image].get_output("builds")
            found[build.name] = exported.apply(_picked(build.name, plan.stacks[image]))
    return found


def _below(plan: Plan) -> list[PlatformBuild]:
    builds = (build for image in plan.images for tag in image.tags for build in tag.builds)
    found = {build.below.name: build.below for build in builds if build.below}
    return list(found.values())


def _picked(name: str, stack: str) -> Any:
    def digest(exported: Mapping[str, str] | None) -> str:
        known = (exported or {}).get(name, "")
        if not known:
            pulumi.log.error(f"stack {stack} has no verified {name}: run `make up STACK={stack}`")
        return known

    return digest


def _qualified(stack: str) -> str:
    """Return the name by which every backend knows a stack of this project."""
    if "/" in stack:
        return stack
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
