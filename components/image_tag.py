"""A version tag: its platforms built and verified one by one, then joined under one name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.failures import digest_or_nothing, or_else
from components.platform_image import Before, PlatformImage, platform_image
from fleet.declaration import OnConflict
from fleet.inputs import Assets
from fleet.plan import VersionTag
from providers.ociregistry.resources import PlatformSource, Tag, TagArgs


@dataclass(frozen=True, kw_only=True)
class ImageTagArgs:
    """A planned version tag, and what it has in common with its whole repository."""

    tag: VersionTag
    repository: str
    assets: Assets
    owner: str
    on_conflict: OnConflict
    before: Before


class ImageTag(pulumi.ComponentResource):
    """One version tag of one image, for all its platforms or not at all.

    ``digest`` is that of the index, known once every platform passed; ``row`` what the stack's
    output says of the tag; ``verified`` each platform's digest once it passed, by the build's name.
    """

    verified: Mapping[str, pulumi.Output[str]]
    digest: pulumi.Output[str]
    row: pulumi.Output[dict[str, Any]]

    def __init__(
        self, name: str, args: ImageTagArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fleet:index:ImageTag", name, {}, opts)
        images = [platform_image(b, args.assets, args.before, self) for b in args.tag.builds]
        built = zip(args.tag.builds, images, strict=True)
        self.verified = {build.name: image.verified for build, image in built}
        tag = Tag(
            f"{args.repository}:{args.tag.tag}",
            TagArgs(
                ref=f"{args.repository}:{args.tag.tag}",
                sources=_sources(args.tag, images),
                identity=args.tag.identity,
                inputs=args.tag.ingredients,
                owner=args.owner,
                annotations=args.tag.annotations,
                on_conflict=args.on_conflict,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.digest = digest_or_nothing(tag.digest)
        self.row = or_else(_row(tag, images), _failed_row(args))
        self.register_outputs({"digest": self.digest})


def _sources(tag: VersionTag, images: Sequence[PlatformImage]) -> list[PlatformSource]:
    return [
        PlatformSource(
            platform=build.platform,
            image=pulumi.Output.concat(build.repository, "@", image.verified),
        )
        for build, image in zip(tag.builds, images, strict=True)
    ]


def _failed_row(args: ImageTagArgs) -> dict[str, Any]:
    return {
        "tag": f"{args.repository}:{args.tag.tag}",
        "digest": "",
        "platforms": [],
        "size": 0,
        "verified": f"failed, of {len(args.tag.builds)}",
    }


def _row(tag: Tag, images: Sequence[PlatformImage]) -> pulumi.Output[dict[str, Any]]:
    passed = pulumi.Output.all(*(image.verification.build_args for image in images))
    return pulumi.Output.all(
        tag=tag.ref, digest=tag.digest, platforms=tag.platforms, size=tag.size, passed=passed
    ).apply(_described)


def _described(known: dict[str, Any]) -> dict[str, Any]:
    """Return the row, with ``verified`` counted by digest: what runs there is what was checked."""
    passed = {arguments["IMAGE"].rpartition("@")[2] for arguments in known["passed"]}
    platforms = known["platforms"] or []
    return {
        "tag": known["tag"],
        "digest": known["digest"],
        "platforms": [platform["platform"] for platform in platforms],
        "size": int(known["size"] or 0),
        "verified": f"{sum(p['digest'] in passed for p in platforms)}/{len(known['passed'])}",
    }
