"""The whole stack: every image of a plan, as components."""

from typing import Any

import pulumi

from components.image_tag import ImageTag, ImageTagArgs
from components.pointers import Pointers, PointersArgs
from fleet.plan import ImagePlan, Plan, VersionTag


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

    ``tags`` are ``{tag, digest, platforms, size, verified}``, ``pointers`` are
    ``{tag, target, digest}``, both in declared order.
    """
    Guard(plan.owner, protected=plan.protected)
    tags: list[pulumi.Output[dict[str, Any]]] = []
    pointers: list[pulumi.Output[dict[str, Any]]] = []
    for image in plan.images:
        made = {tag.tag: _image_tag(tag, image, plan) for tag in image.tags}
        tags.extend(component.row for component in made.values())
        digests = {tag: component.digest for tag, component in made.items()}
        args = PointersArgs(image=image, plan=plan, digests=digests)
        pointers.extend(Pointers(image.name, args).rows)
    return {"tags": tags, "pointers": pointers}


def _image_tag(tag: VersionTag, image: ImagePlan, plan: Plan) -> ImageTag:
    return ImageTag(
        f"{image.name}:{tag.tag}",
        ImageTagArgs(
            tag=tag,
            repository=image.repository,
            assets=image.assets,
            owner=plan.owner,
            on_conflict=plan.version_conflict,
        ),
    )
