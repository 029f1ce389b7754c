"""A version tag: its platforms built and verified, then copied under one name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.failures import digest_or_nothing, or_else
from components.tag_build import Prerequisites, VerifiedBuild, verified_build
from fleet.declaration.model import OnConflict
from fleet.plan.plan import VersionTag
from fleet.plan.plan_inputs import Assets
from providers.ociregistry.sdk import Tag, TagArgs


@dataclass(frozen=True, kw_only=True)
class ImageTagArgs:
    """A planned version tag, and what it has in common with its whole repository."""

    tag: VersionTag
    repository: str
    assets: Assets
    owner: str
    on_conflict: OnConflict
    prerequisites: Prerequisites


class ImageTag(pulumi.ComponentResource):
    """One version tag of one image, for all its platforms or not at all.

    ``digest`` is that of the index, known once every platform passed; ``row`` what the stack's
    output says of the tag; ``verified`` each build's digest once it passed, by the build's name.
    """

    verified: Mapping[str, pulumi.Output[str]]
    digest: pulumi.Output[str]
    row: pulumi.Output[dict[str, Any]]

    def __init__(
        self, name: str, args: ImageTagArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fleet:index:ImageTag", name, {}, opts)
        images = [verified_build(b, args.assets, args.prerequisites, self) for b in args.tag.builds]
        built = tuple(zip(args.tag.builds, images, strict=True))
        self.verified = {build.name: image.verified for build, image in built}
        sources = [
            pulumi.Output.concat(build.repository, "@", image.verified) for build, image in built
        ]
        tag = Tag(
            f"{args.repository}:{args.tag.tag}",
            TagArgs(
                ref=f"{args.repository}:{args.tag.tag}",
                source=sources[0] if len(sources) == 1 else None,
                sources=sources if len(sources) > 1 else None,
                platforms=args.tag.platforms,
                identity=args.tag.identity,
                inputs=args.tag.build_inputs,
                owner=args.owner,
                annotations=args.tag.annotations if len(sources) > 1 else {},
                on_conflict=args.on_conflict,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.digest = digest_or_nothing(tag.digest)
        self.row = or_else(_row(tag, images, args.tag), _failed_row(args))
        self.register_outputs({"digest": self.digest})


def _failed_row(args: ImageTagArgs) -> dict[str, Any]:
    return {
        "tag": f"{args.repository}:{args.tag.tag}",
        "digest": "",
        "platforms": [],
        "size": 0,
        "verified": f"failed, of {len(args.tag.platforms)}",
    }


def _row(
    tag: Tag, images: Sequence[VerifiedBuild], planned: VersionTag
) -> pulumi.Output[dict[str, Any]]:
    """Return the row, with ``verified`` counted by digest: what is named is what was checked."""
    checked = pulumi.Output.all(*(image.verification.build_args for image in images))
    built = pulumi.Output.all(*(image.build.digest for image in images))

    def described(known: dict[str, Any]) -> dict[str, Any]:
        there = [platform["platform"] for platform in known["platforms"] or []]
        passed = [
            platform
            for build, arguments, digest in zip(
                planned.builds, known["checked"], known["built"], strict=True
            )
            if arguments["IMAGE"].endswith(f"@{digest}")
            for platform in build.platforms
            if platform in there
        ]
        return {
            "tag": known["tag"],
            "digest": known["digest"],
            "platforms": there,
            "size": int(known["size"] or 0),
            "verified": _verified(passed, planned),
        }

    return pulumi.Output.all(
        tag=tag.ref,
        digest=tag.digest,
        platforms=tag.platforms,
        size=tag.size,
        checked=checked,
        built=built,
    ).apply(described)


def _verified(passed: Sequence[str], planned: VersionTag) -> str:
    """Return how many platforms passed, and on which all was checked: ``3/3: amd64 whole``."""
    count = f"{len(passed)}/{len(planned.platforms)}"
    whole = [platform.partition("/")[2] for platform in planned.whole if platform in passed]
    return f"{count}: {', '.join(whole)} whole" if whole else count
