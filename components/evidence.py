"""The evidence of a version tag: what is claimed of it, signed before any name points at it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pulumi

from components.failures import digest_or_nothing, or_else
from fleet.declaration.signing import Keyless
from fleet.plan.plan import ImagePlan, Plan, VersionTag
from fleet.plan.predicates import provenance, verification_result
from providers.ociregistry.sdk import Evidence, EvidenceArgs

_SHOWN: Final = 16
"""Characters of a fingerprint, as the state has them of statements."""


@dataclass(frozen=True, kw_only=True)
class EvidenceOf:
    """A planned version tag, its verified ``sources``, and the digests that its builds start from.

    ``below`` are by the names of those builds.
    """

    ref: str
    tag: VersionTag
    image: ImagePlan
    plan: Plan
    sources: Sequence[pulumi.Output[str]]
    below: Mapping[str, pulumi.Output[str]]


class Evident(NamedTuple):
    """Verified sources once all that is claimed of them is signed, and a fingerprint of that.

    Where nobody is declared to sign, nothing is: ``stated`` is None. It is empty where that failed.
    """

    sources: Sequence[pulumi.Output[str]]
    stated: pulumi.Output[str] | None


def evident(args: EvidenceOf, parent: pulumi.Resource) -> Evident:
    """Declare the evidence of ``args.sources``, and return these once they have it."""
    if not args.plan.signed:
        return Evident(sources=args.sources, stated=None)
    # What it is built on may be another stack's, which has not been up: nothing can be claimed.
    there = pulumi.Output.all(*args.below.values()).apply(all)
    sources = [pulumi.Output.all(source, there).apply(_only_where) for source in args.sources]
    joined = len(sources) > 1
    claimed = pulumi.Output.all(**args.below).apply(lambda known: _provenance(args, known))
    evidence = Evidence(
        args.ref,
        EvidenceArgs(
            ref=args.ref,
            owner=args.plan.owner,
            platforms=args.tag.platforms,
            keys=args.plan.keys,
            keyless=_keyless(args.plan.keyless),
            provenance=claimed,
            tests=json.dumps(verification_result(args.image, args.tag), sort_keys=True),
            source=None if joined else sources[0],
            sources=sources if joined else None,
            annotations=args.tag.annotations if joined else {},
        ),
        pulumi.ResourceOptions(parent=parent),
    )
    signed = digest_or_nothing(evidence.digest)
    return Evident(
        sources=[pulumi.Output.all(source, signed).apply(_only_where) for source in sources],
        stated=or_else(evidence.statements.apply(_fingerprint), "") if args.image.mirrors else None,
    )


def _fingerprint(statements: Mapping[str, str]) -> str:
    """Return a short hash of what is stated: it changes where something is signed again."""
    text = json.dumps(statements, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_SHOWN]


def _keyless(declared: Keyless | None) -> Mapping[str, str]:
    if declared is None:
        return {}
    public = {"transparency": "public"} if declared.public_log else {}
    return {"identity": declared.identity, "issuer": declared.issuer, **public}


def _provenance(args: EvidenceOf, below: Mapping[str, Any]) -> str:
    return json.dumps(provenance(args.image, args.tag, below), sort_keys=True)


def _only_where(known: list[Any]) -> str:
    """Return a source, without its digest where the second value is false or empty."""
    source, holds = known
    return str(source) if holds else f"{source.partition('@')[0]}@"
