"""The tags of one repository at other registries: each has what the source names, and no more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.failures import or_else
from components.pointers import stale_pointers
from fleet.plan.plan import ImagePlan, Plan
from providers.ociregistry.sdk import Mirror, MirrorArgs, StalePointers


@dataclass(frozen=True, kw_only=True)
class MirrorsArgs:
    """The plan of one image, and what its tags name.

    ``digests`` are those of all tags, ``stated`` the fingerprints of the evidence of each version
    tag, ``commit`` is that of the checkout, for the history.
    """

    image: ImagePlan
    plan: Plan
    digests: Mapping[str, pulumi.Input[str]]
    stated: Mapping[str, pulumi.Output[str]]
    commit: str


def mirrors(args: MirrorsArgs, parent: pulumi.Resource) -> list[pulumi.Output[dict[str, Any]]]:
    """Declare each mirror of an image: its tags, then the removal of stale ones there.

    They take the source's digests, and nothing takes anything of theirs: one that fails leaves the
    source and the others alone. Return what the stack's output says of each: ``mirror``,
    ``declared``, how many tags there are, and ``there``, how many it has.
    """
    image, plan, child = args.image, args.plan, pulumi.ResourceOptions(parent=parent)

    def declared(found: Mapping[str, str]) -> dict[str, str]:
        # A mirror that has nothing to write keeps those in its state that are declared no more.
        return {tag: found.get(tag, "") for tag in args.digests}

    rows = []
    for place in image.mirrors:
        mirror = Mirror(
            place.repository,
            MirrorArgs(
                repository=place.repository,
                source=image.repository,
                owner=plan.owner,
                tags=args.digests,
                pointers=[pointer.tag for pointer in image.pointers],
                evidence=args.stated,
                on_conflict=plan.declaration.version_conflict,
                pointer_conflict=plan.declaration.pointer_conflict,
            ),
            child,
        )
        stale = stale_pointers(
            image,
            plan,
            args.commit,
            # Nothing goes there before everything that is declared stands there.
            digests=or_else(mirror.tags.apply(declared), declared({})),
            mirror=place,
        )
        StalePointers(place.repository, stale, child)
        there = or_else(mirror.tags.apply(declared).apply(_count), "failed")
        row = {"mirror": place.repository, "declared": len(args.digests), "there": there}
        rows.append(pulumi.Output.all(**row))
    return rows


def _count(digests: Mapping[str, str]) -> str:
    return str(sum(map(bool, digests.values())))
