"""The whole stack: every image of a plan, as components."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.image_tag import ImageTag, ImageTagArgs
from components.pointers import Pointers, PointersArgs
from components.stack_references import Elsewhere, Verified
from components.tag_build import wheels_image
from fleet.plan.plan import Plan
from providers.ociregistry.sdk import Login, Provider, ProviderArgs


class Guard(pulumi.ComponentResource):
    """A resource that blocks ``pulumi destroy`` on a stack that is declared ``protected``.

    The engine destroys nothing while one resource is protected. This one belongs to no image, so
    that images can leave the declaration of a protected stack all the same.
    """

    def __init__(self, name: str, *, protected: bool) -> None:
        opts = pulumi.ResourceOptions(protect=protected)
        super().__init__("fleet:index:Guard", name, {}, opts)
        self.register_outputs({})


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows of the stack's outputs for one image's tags and pointers, in declared order."""

    tags: Sequence[pulumi.Output[dict[str, Any]]]
    pointers: Sequence[pulumi.Output[dict[str, Any]]]

    @property
    def known(self) -> pulumi.Output[dict[str, Any]]:
        """Both by their names, once all of them are known."""
        found: pulumi.Output[dict[str, Any]] = pulumi.Output.all(
            tags=pulumi.Output.all(*self.tags), pointers=pulumi.Output.all(*self.pointers)
        )
        return found


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """All that was declared: ``rows`` by image, in the plan's order.

    ``builds`` are those that other stacks build on, by name.
    """

    rows: Mapping[str, Rows]
    builds: Mapping[str, Verified]

    @property
    def known(self) -> dict[str, pulumi.Output[dict[str, Any]]]:
        """The rows of each image, as pages are made of them."""
        return {image: rows.known for image, rows in self.rows.items()}

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's outputs.

        ``tags`` are ``{tag, digest, platforms, size, verified}``, ``pointers`` are
        ``{tag, target, digest}``; ``builds`` are ``{digest, identity}`` by name, and there only
        where there are some.
        """
        rows = self.rows.values()
        builds = {name: build.exported for name, build in self.builds.items()}
        return {
            "tags": [tag for image in rows for tag in image.tags],
            "pointers": [pointer for image in rows for pointer in image.pointers],
            **({"builds": builds} if builds else {}),
        }


def declare(plan: Plan, elsewhere: Elsewhere) -> Fleet:
    """Declare all resources of ``plan``: images come after those that they are built on.

    What is built on images of other stacks starts from what is known ``elsewhere``.
    """
    Guard(plan.owner, protected=plan.protected)
    logins = {host: Login(**names) for host, names in plan.logins.items()}
    provider = Provider(f"{plan.owner}:registries", ProviderArgs(logins=logins))
    registries = pulumi.ResourceOptions(providers=[provider])
    digests = elsewhere.verified(plan)
    rows: dict[str, Rows] = {}
    shared: dict[str, Verified] = {}
    for image in plan.images:
        digests |= {wheels.name: wheels_image(wheels) for wheels in image.compiling}
        made = {}
        for tag in image.tags:
            args = ImageTagArgs(tag=tag, image=image, plan=plan, digests=digests)
            made[tag.tag] = ImageTag(f"{image.name}:{tag.tag}", args, registries)
        for component in made.values():
            digests |= component.verified
        if image.name in plan.shared:
            builds = (build for tag in image.tags for build in tag.builds)
            shared |= {b.name: Verified(b.identity, digests[b.name]) for b in builds}
        named = {tag: component.digest for tag, component in made.items()}
        pointers = PointersArgs(image=image, plan=plan, digests=named)
        rows[image.name] = Rows(
            tags=[component.row for component in made.values()],
            pointers=Pointers(image.name, pointers, registries).rows,
        )
    return Fleet(rows=rows, builds=shared)
