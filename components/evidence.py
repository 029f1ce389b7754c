"""The evidence of a version tag: what is claimed of it, signed before any name points at it."""

import json
from collections.abc import Mapping
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

    names = {build.below.name for build in tag.builds if build.below}
    return Evidence(
        provenance=pulumi.Output.all(**{name: digests[name] for name in names}).apply(claimed),
        tests=json.dumps(verification_result(image, tag), sort_keys=True),
        keys=plan.keys,
        keyless=_keyless(plan.keyless),
    )


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
