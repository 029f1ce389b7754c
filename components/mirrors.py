"""The tags of one repository at other registries: each has what the source names, and no more."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.failures import or_else
from components.pointers import Pointers, stale_pointers
from fleet.plan.plan import ImagePlan, Plan
from providers.ociregistry.sdk import Mirror, MirrorArgs, StalePointers


def mirrors(
    image: ImagePlan,
    plan: Plan,
    pointers: Pointers,
    stated: Mapping[str, pulumi.Output[str]],
    commit: str,
) -> list[pulumi.Output[dict[str, Any]]]:
    """Declare each mirror of an image: its tags, then the removal of stale ones there.

    They take the source's digests, and nothing takes anything of theirs: one that fails leaves the
    source and the others alone. ``stated`` are the fingerprints of the evidence of each version
    tag, ``commit`` is that of the checkout, for the history. Return what the stack's output says of
    each: ``mirror``, ``declared``, how many tags there are, and ``there``, how many it has.
    """
    digests, child = pointers.digests, pulumi.ResourceOptions(parent=pointers)

    def declared(found: Mapping[str, str]) -> dict[str, str]:
        # A mirror that has nothing to write keeps those in its state that are declared no more.
        return {tag: found.get(tag, "") for tag in digests}

    rows = []
    for place in image.mirrors:
        mirror = Mirror(
            place.repository,
            MirrorArgs(
                repository=place.repository,
                source=image.repository,
                owner=plan.owner,
                tags=digests,
                pointers=sorted(pointer.tag for pointer in image.pointers),
                evidence=stated,
                on_conflict=plan.declaration.version_conflict,
                pointer_conflict=plan.declaration.pointer_conflict,
            ),
            child,
        )
        stale = stale_pointers(
            image,
            plan,
            commit,
            # Nothing goes there before everything that is declared stands there.
            digests=or_else(mirror.tags.apply(declared), declared({})),
            mirror=place,
        )
        StalePointers(place.repository, stale, child)
        there = or_else(mirror.tags.apply(declared).apply(_count), "failed")
        row = {"mirror": place.repository, "declared": len(digests), "there": there}
        rows.append(pulumi.Output.all(**row))
    return rows


def _count(digests: Mapping[str, str]) -> str:
    return str(sum(map(bool, digests.values())))
