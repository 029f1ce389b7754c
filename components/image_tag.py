"""A version tag: its platforms built and verified, then copied under one name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.evidence import claimable, evidence, stated
from components.failures import digest_or_nothing, or_else
from components.tag_build import Digests, VerifiedBuild, verified_build
from fleet.declaration.model import Pin
from fleet.plan.plan import ImagePlan, Plan, VersionTag
from providers.ociregistry.sdk import Tag, TagArgs


@dataclass(frozen=True, kw_only=True)
class ImageTagArgs:
    """A planned version tag with the plans that it is from; ``digests`` are what it starts from."""

    tag: VersionTag
    image: ImagePlan
    plan: Plan
    digests: Digests


class ImageTag(pulumi.ComponentResource):
    """One version tag of one image, for all its platforms or not at all.

    ``digest`` is that of the index, known once every platform passed; ``row`` what the stack's
    output says of the tag; ``verified`` each build's digest once it passed, by the build's name.
    ``stated`` are the fingerprints of its evidence in one text, None where it has none or no mirror
    needs them.
    """

    verified: Mapping[str, pulumi.Output[str]]
    digest: pulumi.Output[str]
    row: pulumi.Output[dict[str, Any]]
    stated: pulumi.Output[str] | None

    def __init__(
        self, name: str, args: ImageTagArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("fleet:index:ImageTag", name, {}, opts)
        planned = args.tag
        if planned.pin:
            self._hold(args, planned.pin)
            return
        images = [verified_build(b, args.image.assets, args.digests, self) for b in planned.builds]
        built = tuple(zip(planned.builds, images, strict=True))
        self.verified = {build.name: image.verified for build, image in built}
        sources: Sequence[pulumi.Output[str]] = [
            pulumi.Output.concat(b.repository, "@", image.verified) for b, image in built
        ]
        joined = len(sources) > 1
        ref = f"{args.image.repository}:{planned.tag}"
        signing = evidence(args.plan, args.image, planned, args.digests)
        if signing:
            sources = claimable(sources, planned, args.digests)
        tag = Tag(
            ref,
            TagArgs(
                ref=ref,
                source=None if joined else sources[0],
                sources=sources if joined else None,
                platforms=planned.platforms,
                identity=planned.identity,
                inputs=planned.build_inputs,
                owner=args.plan.owner,
                annotations=planned.annotations if joined else {},
                on_conflict=args.plan.declaration.version_conflict,
                evidence=signing,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        failed = {
            "tag": ref,
            "digest": "",
            "platforms": [],
            "size": 0,
            "verified": f"failed, of {len(planned.platforms)}",
        }
        self.stated = stated(tag) if signing and args.image.mirrors else None
        self.digest = digest_or_nothing(tag.digest)
        self.row = or_else(_row(tag, images, planned), failed)
        self.register_outputs({"digest": self.digest})

    def _hold(self, args: ImageTagArgs, pin: Pin) -> None:
        """Have the tag name what it is pinned to: nothing is built, checked or signed."""
        repository = args.image.repository
        ref = f"{repository}:{args.tag.tag}"
        tag = Tag(
            ref,
            TagArgs(
                ref=ref,
                source=f"{repository}@{pin.to}",
                owner=args.plan.owner,
                on_conflict=args.plan.declaration.version_conflict,
                pinned=pin.because,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.verified, self.stated = {}, None
        self.digest = digest_or_nothing(tag.digest)
        there = pulumi.Output.all(
            tag=ref, digest=tag.digest, platforms=tag.platforms, size=tag.size, verified="pinned"
        ).apply(_plainly)
        failed = {
            "tag": ref, "digest": "", "platforms": [], "size": 0, "verified": "failed, pinned",
        }  # fmt: skip
        self.row = or_else(there, failed)
        self.register_outputs({"digest": self.digest})


def _plainly(known: dict[str, Any]) -> dict[str, Any]:
    names = [platform["platform"] for platform in known["platforms"] or []]
    return {**known, "platforms": names, "size": int(known["size"] or 0)}


def _row(
    tag: Tag, images: Sequence[VerifiedBuild], planned: VersionTag
) -> pulumi.Output[dict[str, Any]]:
    """Return the row, with ``verified`` counted by digest: what is named is what was checked."""

    def described(known: dict[str, Any]) -> dict[str, Any]:
        there = [platform["platform"] for platform in known.pop("platforms") or []]
        checks = zip(planned.builds, known.pop("checked"), known.pop("built"), strict=True)
        passed = [
            platform
            for build, arguments, digest in checks
            if arguments["IMAGE"].endswith(f"@{digest}")
            for platform in build.platforms
            if platform in there
        ]
        size, verified = int(known["size"] or 0), _verified(passed, planned)
        return {**known, "platforms": there, "size": size, "verified": verified}

    return pulumi.Output.all(
        tag=tag.ref,
        digest=tag.digest,
        platforms=tag.platforms,
        size=tag.size,
        checked=pulumi.Output.all(*(image.verification.build_args for image in images)),
        built=pulumi.Output.all(*(image.build.digest for image in images)),
    ).apply(described)


def _verified(passed: Sequence[str], planned: VersionTag) -> str:
    """Return how many platforms passed, and on which all was checked: ``3/3: amd64 whole``."""
    count = f"{len(passed)}/{len(planned.platforms)}"
    whole = [platform.partition("/")[2] for platform in planned.whole if platform in passed]
    return f"{count}: {', '.join(whole)} whole" if whole else count
