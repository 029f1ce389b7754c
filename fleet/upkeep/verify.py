"""`make verify`: the evidence of the declared tags, as anybody reads it from their registry."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from fleet.evidence.bundle import Signed, verify
from fleet.evidence.errors import EvidenceError
from fleet.evidence.keys import PublicKey
from fleet.http.text import one_line
from fleet.local.status import columns
from fleet.plan.plan import Plan
from fleet.registry.client import Client
from fleet.registry.reference import Repository, TagReference
from fleet.registry.referrers import Referrer, ReferrerList
from fleet.upkeep.parallel import each
from providers.ociregistry.evidence.model import (
    KEY_ANNOTATION,
    PROVENANCE_KIND,
    is_own,
    kind_of,
    kind_signed,
    kinds_of,
)

_HEADINGS = ("tag", "digest", "signed by", "commit", "base", "evidence")
_SHOWN = len("sha256:") + 12
_COMMIT = 12


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A tag, and the kinds of statements that there shall be of what it names."""

    ref: TagReference
    kinds: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What was found of a tag: ``signed`` are the verified statements of ``digest`` by kind.

    ``others`` counts what else refers to it, such as signatures of others; nobody checked these.
    """

    wanted: Wanted
    digest: str = ""
    signed: Mapping[str, Signed]
    others: int = 0
    problems: tuple[str, ...] = ()


def wanted(plan: Plan, tag: str) -> tuple[Wanted, ...]:
    """Return the version tags of ``plan``, or those of them that are called ``tag``."""
    return tuple(
        Wanted(
            ref=TagReference(repository=Repository.parse(image.repository), tag=planned.tag),
            kinds=kinds_of(planned.platforms),
        )
        for image in plan.images
        for planned in image.tags
        if tag in ("", planned.tag)
    )


async def verify_tags(
    registry: Client, tags: Sequence[Wanted], owner: str, keys: Sequence[PublicKey]
) -> list[Verified]:
    """Verify the evidence of ``owner`` for each of ``tags``, by the public ``keys``.

    :raises fleet.registry.errors.OciError: when the registry fails.
    """
    checker = _Checker(registry=registry, referrers=ReferrerList(registry), owner=owner, keys=keys)
    return await each(checker.check, tags)


@dataclass(frozen=True, kw_only=True)
class _Checker:
    registry: Client
    referrers: ReferrerList
    owner: str
    keys: Sequence[PublicKey]

    async def check(self, tag: Wanted) -> Verified:
        repository = tag.ref.repository
        digest = await self.registry.head(repository, tag.ref.tag)
        if digest is None:
            return Verified(wanted=tag, signed={}, problems=("the tag is absent",))
        found = (await self.referrers.find(repository, digest)).entries
        own = [entry for entry in found if self._counts(entry)]
        signed: dict[str, Signed] = {}
        problems: list[str] = []
        for answer in await each(partial(self._read, repository, digest), own):
            if isinstance(answer, str):
                problems.append(answer)
            else:
                signed.setdefault(kind_signed(answer.statement), answer)
        lacking = [kind for kind in tag.kinds if kind not in signed]
        if lacking:
            problems.append(f"no valid evidence: {', '.join(lacking)}")
        return Verified(
            wanted=tag,
            digest=digest,
            signed=signed,
            others=len(found) - len(own),
            problems=tuple(problems),
        )

    def _counts(self, entry: Referrer) -> bool:
        """Tell whether an entry says to be ours, by a declared key; what it says is not signed."""
        hints = {key.hint for key in self.keys}
        return is_own(entry, self.owner) and entry.annotations.get(KEY_ANNOTATION) in hints

    async def _read(self, repository: Repository, digest: str, entry: Referrer) -> Signed | str:
        """Return a verified statement about a digest, or why there is none."""
        kind = one_line(kind_of(entry))
        body = await self.referrers.body(repository, entry.digest)
        if body is None:
            return f"{kind}: its manifest, {entry.digest}, is gone"
        try:
            signed = verify(body, self.keys)
        except EvidenceError as error:
            return f"{kind}, {entry.digest}: {error}"
        if digest not in signed.statement.subjects.values():
            return f"{kind}, {entry.digest}: is about another image"
        return signed


def report(found: Collection[Verified]) -> str:
    """Return a table a repository, and below it what is wrong, a line each."""
    parts = []
    for repository, tags in groupby(found, key=lambda each: each.wanted.ref.repository):
        rows = list(tags)
        table = columns([_HEADINGS, *(_row(row) for row in rows)])
        parts.append(f"evidence of {repository} ({len(rows)})\n{table}")
    wrong = [f"{row.wanted.ref}: {why}" for row in found for why in row.problems]
    return "\n\n".join([*parts, *(["\n".join(wrong)] if wrong else [])])


def _row(found: Verified) -> tuple[str, ...]:
    provenance = found.signed.get(PROVENANCE_KIND)
    keys = dict.fromkeys(signed.key.hint for signed in found.signed.values())
    others = f" and {found.others} of others" if found.others else ""
    return (
        found.wanted.ref.tag,
        found.digest[:_SHOWN] or "-",
        ", ".join(keys) or "-",
        *(_origin(provenance) if provenance else ("-", "-")),
        f"{len(found.signed)}/{len(found.wanted.kinds)}{others}",
    )


def _origin(provenance: Signed) -> tuple[str, str]:
    """Return the commit and the base that a verified provenance names."""
    named = {str(d.get("name")): d for d in _dependencies(provenance.statement.predicate)}
    revision = named.get("revision", {})
    commit = one_line(str(_inner(revision, "digest").get("gitCommit", "-")))[:_COMMIT]
    if differs := _inner(revision, "annotations").get("differs"):
        commit = f"{commit} ({one_line(str(differs))})"
    role = next((name for name in named if name.startswith(("base", "image below"))), "")
    base = _inner(named.get(role, {}), "digest").get("sha256", "")
    return commit, f"sha256:{one_line(str(base))}"[:_SHOWN] if base else "-"


def _dependencies(predicate: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = _inner(predicate, "buildDefinition").get("resolvedDependencies")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _inner(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = fields.get(name)
    return found if isinstance(found, dict) else {}
