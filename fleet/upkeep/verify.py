"""`make verify`: the evidence of the declared tags, as anybody reads it from their registry."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from fleet.console import TroubleError
from fleet.evidence.bundle import Signed, verify
from fleet.evidence.errors import EvidenceError
from fleet.http.text import indented, one_line
from fleet.plan.plan import Plan
from fleet.registry.client import Client
from fleet.registry.errors import (
    AuthenticationError,
    FailingError,
    RegistryError,
    UnreachableError,
)
from fleet.registry.reference import Repository, TagReference
from fleet.registry.referrers import Referrer, ReferrerList
from fleet.reports.table import DIGEST_SHOWN, columns
from fleet.upkeep.parallel import each
from fleet.upkeep.trusted import Trusted
from providers.ociregistry.evidence.model import (
    KEY_ANNOTATION,
    PROVENANCE_KIND,
    is_own,
    kind_of,
    kind_signed,
    kinds_of,
)
from providers.ociregistry.stale_pointers.notices import day_of, is_notice

_HEADINGS = ("tag", "digest", "signed by", "commit", "base", "evidence")
NO_EVIDENCE = "pinned, no evidence"
_COMMIT = 12


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A tag, and the kinds of statements that there shall be of what it names.

    A ``pinned`` one may name what was never signed; ``needs_evidence`` is false where it may.
    """

    ref: TagReference
    kinds: tuple[str, ...]
    pinned: bool = False
    needs_evidence: bool = True


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The findings for a tag: ``signed`` are the verified statements of ``digest`` by kind.

    Of those of a kind it is one by the first declared signer that signed any. ``signers`` are the
    hints of all that signed, in that order. ``others`` counts what else refers to it, such as
    signatures of others; nobody checked these. ``notes`` tell of valid statements that differ.
    """

    wanted: Wanted
    digest: str = ""
    signed: Mapping[str, Signed]
    signers: tuple[str, ...] = ()
    others: int = 0
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def wanted(
    plan: Plan, tag: str = "", image: str = "", *, mirrors: bool = False
) -> tuple[Wanted, ...]:
    """Return the version tags of ``plan``: all of them, or those called ``tag``, or of ``image``.

    With ``mirrors``, those at each mirror as well.

    :raises TroubleError: if there is no such tag.
    """
    found = tuple(
        Wanted(
            ref=TagReference(repository=Repository.parse(place), tag=planned.tag),
            kinds=kinds_of(planned.platforms),
            pinned=planned.pin is not None,
            needs_evidence=planned.pin is None or planned.pin.needs_evidence,
        )
        for one in plan.images
        if image in ("", one.name)
        for place in (one.repository, *(m.repository for m in one.mirrors if mirrors))
        for planned in one.tags
        if tag in ("", planned.tag)
    )
    if not found:
        what = f"version tag {tag}" if tag else "version tag"
        where = f"the image {image}" if image else "any image"
        raise TroubleError(
            f"no {what} of {where} is declared.\n"
            "`make plan` shows what is. A pointer has the evidence of the version tag that it names"
        )
    return found


async def verify_tags(
    registry: Client, tags: Sequence[Wanted], owner: str, trusted: Trusted
) -> list[Verified]:
    """Verify the evidence of ``owner`` for each of ``tags``, by those that are ``trusted``.

    :raises fleet.registry.errors.OciError: when the registry fails.
    """
    checker = _Checker(
        registry=registry, referrers=ReferrerList(registry), owner=owner, trusted=trusted
    )
    return await each(checker.check, tags)


@dataclass(frozen=True, kw_only=True)
class _Checker:
    registry: Client
    referrers: ReferrerList
    owner: str
    trusted: Trusted

    async def check(self, tag: Wanted) -> Verified:
        repository = tag.ref.repository
        digest = await self.registry.head(repository, tag.ref.tag)
        if digest is None:
            return Verified(wanted=tag, signed={}, problems=("the tag is absent",))
        try:
            found = (await self.referrers.find(repository, digest)).entries
        except RegistryError as error:
            return Verified(wanted=tag, digest=digest, signed={}, problems=(_malformed(error),))
        own = [entry for entry in found if self._counts(entry)]
        notices = [entry for entry in found if is_notice(entry, self.owner)]
        answers = await each(partial(self._read, repository, digest), own)
        valid = self._by_kind(answer for answer in answers if not isinstance(answer, str))
        damaged = [answer for answer in answers if isinstance(answer, str)]
        needed = bool(valid or damaged or tag.needs_evidence)
        used = {answer.signer.hint for kept in valid.values() for answer in kept}
        return Verified(
            wanted=tag,
            digest=digest,
            signed={kind: kept[0] for kind, kept in valid.items()},
            signers=tuple(s.hint for s in self.trusted.signers if s.hint in used),
            others=len(found) - len(own) - len(notices),
            notes=(
                *(f"has a notice of its end of life on {day_of(entry)}" for entry in notices),
                *_differences(valid),
                *self._retired(found),
                *(() if needed else (NO_EVIDENCE,)),
            ),
            problems=(
                *damaged,
                *(self._lacking(tag.kinds, valid, pinned=tag.pinned) if needed else ()),
            ),
        )

    def _by_kind(self, statements: Iterable[Signed]) -> dict[str, list[Signed]]:
        """Return the statements of each kind, those by the first declared signer first."""
        order = {each.hint: number for number, each in enumerate(self.trusted.signers)}
        found: dict[str, list[Signed]] = {}
        for statement in sorted(statements, key=lambda each: order[each.signer.hint]):
            found.setdefault(kind_signed(statement.statement), []).append(statement)
        return found

    def _lacking(
        self, kinds: Sequence[str], valid: Mapping[str, Sequence[Signed]], *, pinned: bool
    ) -> Iterator[str]:
        """Yield which kinds of statements are missing, and which no current signer signed."""
        if not valid and pinned:
            yield f"{NO_EVIDENCE}; if that is meant, say `evidence: none` at the pin"
            return
        if lacking := [kind for kind in kinds if kind not in valid]:
            yield f"no valid evidence: {', '.join(lacking)}"
        current = [each.hint for each in self.trusted.current]
        older = [k for k in kinds if k in valid and valid[k][0].signer.hint not in current]
        if older:
            yield (
                f"no valid evidence by {' or '.join(current)}: {', '.join(older)}; the next "
                "update that may sign as that signs it"
            )

    def _counts(self, entry: Referrer) -> bool:
        """Tell whether an entry says to be ours, by who is declared; what it says is not signed."""
        hints = {each.hint for each in self.trusted.signers}
        return is_own(entry, self.owner) and entry.annotations.get(KEY_ANNOTATION) in hints

    def _retired(self, found: Iterable[Referrer]) -> Iterator[str]:
        said = {entry.annotations.get(KEY_ANNOTATION) for entry in found}
        for key, until in self.trusted.retired.items():
            if key.hint in said:
                yield (
                    f"has statements by the key {key.hint}, which counts no more since {until} "
                    "(docs/runbook.md#for-those-who-use-the-images)"
                )

    async def _read(self, repository: Repository, digest: str, entry: Referrer) -> Signed | str:
        """Return a verified statement about a digest, or why there is none."""
        kind = one_line(kind_of(entry))
        try:
            body = await self.referrers.body(repository, entry.digest)
        except RegistryError as error:
            return f"{kind}, {entry.digest}: {_malformed(error)}"
        if body is None:
            return f"{kind}: its manifest, {entry.digest}, is gone"
        try:
            signed = verify(body, self.trusted.signers, self.trusted.authorities)
        except EvidenceError as error:
            return f"{kind}, {entry.digest}: {error}"
        if digest not in signed.statement.subjects.values():
            return f"{kind}, {entry.digest}: is about another image"
        return signed


def _malformed(error: RegistryError) -> str:
    """Return what is wrong with an answer; one that never came is raised again."""
    if isinstance(error, (UnreachableError, FailingError, AuthenticationError)):
        raise error
    return str(error)


def _differences(valid: Mapping[str, Sequence[Signed]]) -> Iterator[str]:
    for kind, statements in valid.items():
        if (count := len({each.statement.claim for each in statements})) > 1:
            yield f"{one_line(kind)}: {count} valid statements differ; one of them is older"


def report(found: Collection[Verified]) -> str:
    """Return a table per repository, and below it notes and what is wrong, an entry each."""
    parts = []
    for repository, tags in groupby(found, key=lambda each: each.wanted.ref.repository):
        rows = list(tags)
        table = columns([_HEADINGS, *(_row(row) for row in rows)])
        parts.append(f"evidence of {repository} ({len(rows)})\n{table}")
    wrong = [
        indented(f"{row.wanted.ref}: {why}", 2)
        for row in found
        for why in (*row.notes, *row.problems)
    ]
    return "\n\n".join([*parts, *(["\n".join(wrong)] if wrong else [])])


def _row(found: Verified) -> tuple[str, ...]:
    provenance = found.signed.get(PROVENANCE_KIND)
    others = f" and {found.others} of others" if found.others else ""
    count = f"{len(found.signed)}/{len(found.wanted.kinds)}"
    if found.wanted.pinned and not found.signed:
        count = NO_EVIDENCE
    return (
        found.wanted.ref.tag,
        found.digest[:DIGEST_SHOWN] or "-",
        ", ".join(found.signers) or "-",
        *(_origin(provenance) if provenance else ("-", "-")),
        f"{count}{others}",
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
    return commit, f"sha256:{one_line(str(base))}"[:DIGEST_SHOWN] if base else "-"


def _dependencies(predicate: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = _inner(predicate, "buildDefinition").get("resolvedDependencies")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _inner(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = fields.get(name)
    return found if isinstance(found, dict) else {}
