"""The evidence of a version tag: what is claimed of it, signed before any name points at it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.failures import or_else
from fleet.declaration.signing import Keyless
from fleet.plan.plan import ImagePlan, Plan, VersionTag
from fleet.plan.predicates import provenance, verification_result
from providers.ociregistry.sdk import Evidence, Tag


def evidence(
    plan: Plan, image: ImagePlan, tag: VersionTag, digests: Mapping[str, pulumi.Output[str]]
) -> Evidence | None:
    """Return what is to be signed of ``tag``, None where nobody is declared to sign.

    ``digests`` has what its builds start from, by the names of the builds below.
    """
    if not plan.signed:
        return None

    def claimed(below: Mapping[str, Any]) -> str:
        return json.dumps(provenance(image, tag, below), sort_keys=True)

    return Evidence(
        provenance=pulumi.Output.all(**_below(tag, digests)).apply(claimed),
        tests=json.dumps(verification_result(image, tag), sort_keys=True),
        keys=plan.keys,
        keyless=_keyless(plan.keyless),
    )


def claimable(
    sources: Sequence[pulumi.Output[str]],
    tag: VersionTag,
    digests: Mapping[str, pulumi.Output[str]],
) -> Sequence[pulumi.Output[str]]:
    """Return ``sources``, without a digest where one of what their builds start from has none.

    That may be another stack's, which has not been up: nothing can be claimed, so nothing is named.
    """
    there = pulumi.Output.all(*_below(tag, digests).values()).apply(all)
    return [pulumi.Output.all(source, there).apply(_only_where) for source in sources]


def _only_where(known: Sequence[Any]) -> str:
    source, there = known
    return str(source) if there else f"{source.partition('@')[0]}@"


def _below(
    tag: VersionTag, digests: Mapping[str, pulumi.Output[str]]
) -> dict[str, pulumi.Output[str]]:
    names = sorted({build.below.name for build in tag.builds if build.below})
    return {name: digests[name] for name in names}


def stated(tag: Tag) -> pulumi.Output[str]:
    """Return the fingerprints of the statements of ``tag`` in one text, empty where that failed.

    A mirror names nothing before it has each of them.
    """

    def fingerprints(signed: Mapping[str, Any] | None) -> str:
        return " ".join(sorted((signed or {}).get("statements", {}).values()))

    return or_else(tag.signed.apply(fingerprints), "")


def _keyless(declared: Keyless | None) -> Mapping[str, str]:
    if declared is None:
        return {}
    public = {"transparency": "public"} if declared.public_log else {}
    return {"identity": declared.identity, "issuer": declared.issuer, **public}
