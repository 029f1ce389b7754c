"""A version tag: its platforms built and verified, then copied under one name."""

from collections.abc import Sequence
from typing import Any

import pulumi

from components.evidence import claimable, evidence, stated
from components.failures import or_else
from components.tag_build import Digests, VerifiedBuild, verified_build
from fleet.plan.plan import ImagePlan, Plan, VersionTag
from providers.ociregistry.sdk import Tag, TagArgs


class ImageTag(pulumi.ComponentResource):
    """One version tag of one image, for all its platforms or not at all.

    ``digests`` are what its builds start from. One with a pin names what it is pinned to: nothing
    is built, checked or signed.

    ``digest`` is that of the index, known once every platform passed; ``row`` what the stack's
    output says of the tag; ``verified`` each build's digest once it passed, by the build's name.
    ``stated`` are the fingerprints of its evidence in one text, None where it has none or no mirror
    needs them.
    """

    def __init__(
        self,
        tag: VersionTag,
        image: ImagePlan,
        plan: Plan,
        digests: Digests,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("fleet:index:ImageTag", f"{image.name}:{tag.tag}", {}, opts)
        builds = () if tag.pin else tag.builds
        images = [verified_build(build, image.assets, digests, self) for build in builds]
        self.verified = {build.name: i.verified for build, i in zip(builds, images, strict=True)}
        ref = f"{image.repository}:{tag.tag}"
        on_conflict = plan.declaration.version_conflict
        if tag.pin:
            source, because = f"{image.repository}@{tag.pin.to}", tag.pin.because
            args = TagArgs(
                ref=ref, owner=plan.owner, source=source, on_conflict=on_conflict, pinned=because
            )
        else:
            sources: Sequence[pulumi.Output[str]] = [
                pulumi.Output.concat(build.repository, "@", self.verified[build.name])
                for build in builds
            ]
            signing = evidence(plan, image, tag, digests)
            if signing:
                sources = claimable(sources, tag, digests)
            joined = len(sources) > 1
            args = TagArgs(
                ref=ref,
                source=None if joined else sources[0],
                sources=sources if joined else None,
                platforms=tag.platforms,
                identity=tag.identity,
                inputs=tag.build_inputs,
                owner=plan.owner,
                annotations=tag.annotations if joined else {},
                on_conflict=on_conflict,
                evidence=signing,
            )
        named = Tag(ref, args, pulumi.ResourceOptions(parent=self))
        self.stated = stated(named) if args.evidence and image.mirrors else None
        self.digest = or_else(named.digest, "")
        failed = "failed, pinned" if tag.pin else f"failed, of {len(tag.platforms)}"
        nothing = {"tag": ref, "digest": "", "platforms": [], "size": 0, "verified": failed}
        self.row = or_else(_row(named, images, tag), nothing)
        self.register_outputs({"digest": self.digest})


def _row(
    tag: Tag, images: Sequence[VerifiedBuild], planned: VersionTag
) -> pulumi.Output[dict[str, Any]]:
    """Return the row, with ``verified`` counted by digest: what is named is what was checked."""

    def described(known: dict[str, Any]) -> dict[str, Any]:
        there = [platform["platform"] for platform in known.pop("platforms") or []]
        # One that is pinned has neither.
        checks = zip(planned.builds, known.pop("checked"), known.pop("built"), strict=False)
        passed = [
            platform
            for build, arguments, digest in checks
            if arguments["IMAGE"].endswith(f"@{digest}")
            for platform in build.platforms
            if platform in there
        ]
        verified = "pinned" if planned.pin else _verified(passed, planned)
        size = int(known["size"] or 0)
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
