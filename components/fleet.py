"""The whole stack: every image of a plan, as components."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.elsewhere import verified_elsewhere
from components.image_tag import ImageTag, ImageTagArgs
from components.pointers import Pointers, PointersArgs
from fleet.plan import ImagePlan, Plan, VersionTag
from providers.oci.resources import Summary, SummaryArgs


class Guard(pulumi.ComponentResource):
    """What stands in the way of ``pulumi destroy`` on a stack that is declared ``protected``.

    The engine destroys nothing while one resource is protected. This one belongs to no image, so
    that images can leave the declaration of a protected stack all the same.
    """

    def __init__(self, name: str, *, protected: bool) -> None:
        opts = pulumi.ResourceOptions(protect=protected)
        super().__init__("fleet:index:Guard", name, {}, opts)
        self.register_outputs({})


def declare(plan: Plan) -> dict[str, Any]:
    """Declare all resources of ``plan``; return the stack's outputs.

    Images come after those that they are built on, as in ``plan``.

    ``tags`` are ``{tag, digest, platforms, size, verified}``, ``pointers`` are
    ``{tag, target, digest}``, both in declared order. ``builds``, only where other stacks build on
    images here, are the verified digests of those by the builds' names.
    """
    Guard(plan.owner, protected=plan.protected)
    tags: list[pulumi.Output[dict[str, Any]]] = []
    pointers: list[pulumi.Output[dict[str, Any]]] = []
    verified = verified_elsewhere(plan)
    settled: list[pulumi.Output[str]] = []
    shared: dict[str, pulumi.Output[str]] = {}
    for image in plan.images:
        made = {tag.tag: _image_tag(tag, image, plan, verified) for tag in image.tags}
        for component in made.values():
            verified.update(component.verified)
            shared.update(component.verified if image.name in plan.shared else {})
        tags.extend(component.row for component in made.values())
        digests = {tag: component.digest for tag, component in made.items()}
        args = PointersArgs(image=image, plan=plan, digests=digests)
        made_pointers = Pointers(image.name, args)
        pointers.extend(made_pointers.rows)
        settled += [*digests.values(), *made_pointers.settled]
    Summary(f"{plan.owner}:summary", SummaryArgs(wait_for=settled))
    builds = {"builds": shared} if shared else {}
    return {"tags": tags, "pointers": pointers, **builds}


def _image_tag(
    tag: VersionTag, image: ImagePlan, plan: Plan, verified: Mapping[str, pulumi.Output[str]]
) -> ImageTag:
    return ImageTag(
        f"{image.name}:{tag.tag}",
        ImageTagArgs(
            tag=tag,
            repository=image.repository,
            assets=image.assets,
            owner=plan.owner,
            on_conflict=plan.version_conflict,
            below=verified,
        ),
    )
