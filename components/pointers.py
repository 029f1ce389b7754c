"""The pointers of one repository: those declared, and the removal of those that no longer are."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.failures import or_else
from fleet.declaration import tags as names
from fleet.plan.plan import ImageMirror, ImagePlan, Plan
from providers.ociregistry.sdk import PointerPattern, StalePointers, StalePointersArgs, Tag, TagArgs


class Pointers(pulumi.ComponentResource):
    """Every pointer of one repository. ``rows`` are what the stack's output says of them.

    ``versions`` has the digest of each version tag, ``commit`` is that of the checkout, for the
    history. ``digests`` are those of all tags of the repository, empty where one failed.
    """

    def __init__(
        self,
        image: ImagePlan,
        plan: Plan,
        versions: Mapping[names.Tag, pulumi.Output[str]],
        commit: str,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("fleet:index:Pointers", image.name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.rows: list[pulumi.Output[dict[str, Any]]] = []
        self.digests: dict[str, pulumi.Input[str]] = dict(versions.items())
        for pointer in image.pointers:
            ref = f"{image.repository}:{pointer.tag}"
            tag = TagArgs(
                ref=ref,
                source=pulumi.Output.concat(image.repository, "@", versions[pointer.target]),
                identity=pointer.target,
                owner=plan.owner,
                on_conflict=plan.declaration.pointer_conflict,
                pinned=pointer.pin.because if pointer.pin else None,
            )
            digest = or_else(Tag(ref, tag, child).digest, "")
            self.digests[pointer.tag] = digest
            self.rows.append(pulumi.Output.all(tag=ref, target=pointer.target, digest=digest))
        # Nothing goes before everything that is declared stands.
        stale = stale_pointers(image, plan, commit, digests=self.digests)
        StalePointers(image.repository, stale, child)
        self.register_outputs({})


def stale_pointers(
    image: ImagePlan,
    plan: Plan,
    commit: str,
    *,
    digests: pulumi.Input[Mapping[str, pulumi.Input[str]]],
    mirror: ImageMirror | None = None,
) -> StalePointersArgs:
    """Return what becomes of stale pointers of an image, in its own repository or at a mirror.

    ``digests`` are what all declared tags name there, which is waited for.
    """
    stay = mirror is not None and not mirror.removable
    return StalePointersArgs(
        repository=mirror.repository if mirror else image.repository,
        owner=plan.owner,
        # Another order declares nothing else.
        pointers=sorted(pointer.tag for pointer in image.pointers),
        grammar=[
            PointerPattern(kind=kind, pattern=names.pointer_pattern(kind)) for kind in image.policy
        ],
        policy={str(kind): "keep" if stay else policy for kind, policy in image.policy.items()},
        max_removals=plan.declaration.max_removals,
        keep_on_destroy=plan.declaration.pointers_stay or stay,
        digests=digests,
        commit=commit,
        source=image.repository if mirror else None,
    )
