"""The pointers of one repository: those declared, and the removal of those that no longer are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.failures import digest_or_nothing
from fleet.declaration import tags as names
from fleet.plan.plan import ImagePlan, Plan
from fleet.plan.pointers import Pointer
from providers.ociregistry.sdk import PointerPattern, StalePointers, StalePointersArgs, Tag, TagArgs


@dataclass(frozen=True, kw_only=True)
class PointersArgs:
    """The plan of one image, the stack's settings, and the digest of each version tag."""

    image: ImagePlan
    plan: Plan
    digests: Mapping[names.Tag, pulumi.Output[str]]


class Pointers(pulumi.ComponentResource):
    """Every pointer of one repository. ``rows`` are what the stack's output says of them."""

    rows: list[pulumi.Output[dict[str, Any]]]

    def __init__(
        self, name: str, args: PointersArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fleet:index:Pointers", name, {}, opts)
        tags = [self._tag(pointer, args) for pointer in args.image.pointers]
        digests = [digest_or_nothing(tag.digest) for tag in tags]
        StalePointers(
            args.image.repository,
            _stale_args(args, digests),
            pulumi.ResourceOptions(parent=self),
        )
        self.rows = [
            pulumi.Output.all(
                tag=f"{args.image.repository}:{pointer.tag}",
                target=pointer.target,
                digest=digest,
            )
            for pointer, digest in zip(args.image.pointers, digests, strict=True)
        ]
        self.register_outputs({})

    def _tag(self, pointer: Pointer, args: PointersArgs) -> Tag:
        repository = args.image.repository
        return Tag(
            f"{repository}:{pointer.tag}",
            TagArgs(
                ref=f"{repository}:{pointer.tag}",
                source=pulumi.Output.concat(repository, "@", args.digests[pointer.target]),
                identity=pointer.target,
                owner=args.plan.owner,
                on_conflict=args.plan.pointer_conflict,
            ),
            pulumi.ResourceOptions(parent=self),
        )


def _stale_args(args: PointersArgs, pointer_digests: list[pulumi.Output[str]]) -> StalePointersArgs:
    return StalePointersArgs(
        repository=args.image.repository,
        owner=args.plan.owner,
        pointers=[pointer.tag for pointer in args.image.pointers],
        grammar=[
            PointerPattern(kind=kind, pattern=names.pointer_pattern(kind))
            for kind in args.image.policy
        ],
        policy={str(kind): policy for kind, policy in args.image.policy.items()},
        max_removals=args.plan.max_removals,
        keep_on_destroy=args.plan.pointers_stay,
        # Nothing goes before everything that is declared stands.
        wait_for=[*args.digests.values(), *pointer_digests],
    )
