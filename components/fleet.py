"""The whole stack: every image of a plan, as components."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.image_tag import ImageTag
from components.mirrors import mirrors
from components.pointers import Pointers
from components.stack_references import Elsewhere, exported
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
class Fleet:
    """All that was declared.

    ``outputs`` are the stack's: ``tags`` are ``{tag, digest, platforms, size, verified}``,
    ``pointers`` are ``{tag, target, digest}``, ``builds`` are ``{digest, identity}`` by name, and
    there only where other stacks build on some; ``mirrors`` are ``{mirror, declared, there}``,
    where there are any. ``known`` are by image its tags and pointers, once all of them are known.
    """

    outputs: Mapping[str, Any]
    known: Mapping[str, pulumi.Output[dict[str, Any]]]


def declare(plan: Plan, elsewhere: Elsewhere, commit: str) -> Fleet:
    """Declare all resources of ``plan``: images come after those that they are built on.

    What is built on images of other stacks starts from what is known ``elsewhere``. ``commit`` is
    that of the checkout, which the history names.
    """
    Guard(plan.owner, protected=plan.declaration.protected)
    logins = {host: Login(**names) for host, names in plan.logins.items()}
    provider = Provider(f"{plan.owner}:registries", ProviderArgs(logins=logins))
    registries = pulumi.ResourceOptions(providers=[provider])
    digests = elsewhere.verified(plan)
    tags: list[pulumi.Output[dict[str, Any]]] = []
    pointers: list[pulumi.Output[dict[str, Any]]] = []
    mirrored: list[pulumi.Output[dict[str, Any]]] = []
    shared: dict[str, pulumi.Output[dict[str, Any]]] = {}
    known: dict[str, pulumi.Output[dict[str, Any]]] = {}
    for image in plan.images:
        digests |= {wheels.name: wheels_image(wheels) for wheels in image.compiling}
        made = {tag.tag: ImageTag(tag, image, plan, digests, registries) for tag in image.tags}
        for component in made.values():
            digests |= component.verified
        if image.name in plan.shared:
            builds = (build for tag in image.built for build in tag.builds)
            shared |= {b.name: exported(b.identity, digests[b.name]) for b in builds}
        named = {tag: component.digest for tag, component in made.items()}
        own = [component.row for component in made.values()]
        pointing = Pointers(image, plan, named, commit, registries)
        stated = {str(tag): each.stated for tag, each in made.items() if each.stated}
        mirrored += mirrors(image, plan, pointing, stated, commit)
        known[image.name] = pulumi.Output.all(
            tags=pulumi.Output.all(*own), pointers=pulumi.Output.all(*pointing.rows)
        )
        tags += own
        pointers += pointing.rows
    outputs: dict[str, Any] = {"tags": tags, "pointers": pointers}
    more = {"builds": shared, "mirrors": mirrored}
    outputs |= {name: value for name, value in more.items() if value}
    return Fleet(outputs=outputs, known=known)
