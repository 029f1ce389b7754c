"""Evidence, pure: what is stated of an image, which referrer holds it, and what differs."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from fleet.evidence.identity import Identity
from fleet.evidence.keys import PublicKey
from fleet.evidence.statement import PROVENANCE, SBOM, TEST_RESULT, Statement
from fleet.registry.manifest import OWNER_ANNOTATION, children_of, digest_of, document_of
from fleet.registry.reference import ManifestReference, TagReference
from fleet.registry.referrers import Referrer
from providers.ociregistry.tag.index import Read
from providers.ociregistry.tag.model import TagInputs

_PREFIX: Final = "io.github.multi-py.fleet.evidence"
KIND_ANNOTATION: Final = f"{_PREFIX}.kind"
CLAIM_ANNOTATION: Final = f"{_PREFIX}.claim"
KEY_ANNOTATION: Final = f"{_PREFIX}.key"
# Sigstore's own, by which cosign finds what it looks for (sigstore/cosign, spec of bundles in OCI).
_CONTENT: Final = "dev.sigstore.bundle.content"
_PREDICATE: Final = "dev.sigstore.bundle.predicateType"

_MARK: Final = 16

PROVENANCE_KIND: Final = "provenance"
_TEST_KIND: Final = "test-result"
_SBOM_KIND: Final = "sbom"


@dataclass(frozen=True, kw_only=True)
class EvidenceInputs:
    """What is declared.

    `tag` are the inputs of the tag that shall name the index. `provenance` and `tests` are
    fingerprints of predicates, None where a preview does not know them yet. `keys` are those whose
    signatures count, the one to sign with first. `identity` signs without a key, with `public_log`
    in a public log though its repository is private.
    """

    tag: TagInputs
    keys: tuple[PublicKey, ...]
    identity: Identity | None = None
    public_log: bool = False
    provenance: str | None
    tests: str | None

    @property
    def ref(self) -> TagReference:
        """The tag that the evidence is for."""
        return self.tag.ref

    @property
    def signers(self) -> tuple[PublicKey | Identity, ...]:
        """Those that sign now: a statement by one of them is not signed again."""
        return (*self.keys[:1], *filter(None, [self.identity]))

    @property
    def signed_by(self) -> str:
        """Those that sign now, in one text."""
        issuer = [self.identity.issuer] if self.identity else []
        return " ".join([*(signer.hint for signer in self.signers), *issuer])

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of statements that there shall be."""
        return kinds_of(self.tag.platforms)

    @property
    def made_of(self) -> dict[str, str]:
        """What the evidence follows from, each by its fingerprint; empty where it is unknown."""
        followed: dict[str, object] = {
            "ref": str(self.ref),
            "sources" if self.tag.joins else "source": self.tag.digests,
            "provenance": self.provenance,
            "tests": self.tests,
            "signer": self.signed_by,
        }
        if self.tag.joins:
            # Parts of the index that is joined.
            followed |= {"owner": self.tag.owner, "annotations": dict(self.tag.annotations)}
        return {name: "" if value is None else _mark(value) for name, value in followed.items()}


@dataclass(frozen=True, kw_only=True)
class EvidenceState:
    """What was stated of `digest`: each kind of statement to the fingerprint of its referrer.

    `listed` is that of the list of referrers, empty where the registry lists them itself.
    """

    digest: str = ""
    statements: Mapping[str, str] = field(default_factory=dict)
    listed: str = ""


@dataclass(frozen=True, kw_only=True)
class RecordedEvidence:
    """The state as the engine keeps it; `made_of` is what it followed from (`EvidenceInputs`)."""

    made_of: Mapping[str, str]
    state: EvidenceState


def fingerprint(digest: str) -> str:
    """Return the first 64 bits of a digest in hex, or nothing of nothing.

    The state, which has one for each of thousands of statements, sees by them that something moved.
    What may be trusted is told by signatures.
    """
    return digest.removeprefix("sha256:")[:_MARK]


def is_fingerprint(text: str) -> bool:
    """Tell whether a text is a fingerprint."""
    return re.fullmatch(f"[0-9a-f]{{{_MARK}}}", text) is not None


def _mark(value: object) -> str:
    return fingerprint(digest_of(json.dumps(value, sort_keys=True).encode()))


def kinds_of(platforms: Iterable[str]) -> tuple[str, ...]:
    """Return the kinds of statements that there shall be of an index of `platforms`."""
    return (PROVENANCE_KIND, _TEST_KIND, *(f"{_SBOM_KIND} {platform}" for platform in platforms))


def diff(recorded: RecordedEvidence, inputs: EvidenceInputs) -> tuple[str, ...]:
    """Return the properties that differ; `statements` stands for what was lost.

    `ref` alone means replacement.
    """
    wanted = inputs.made_of
    found = [
        name for name, mark in wanted.items() if not mark or recorded.made_of.get(name) != mark
    ]
    if "ref" in found:
        return ("ref",)
    if not recorded.state.statements.keys() >= {*inputs.kinds}:
        found.append("statements")
    return tuple(found)


def reasons(recorded: RecordedEvidence | None, inputs: EvidenceInputs) -> tuple[str, ...]:
    """Say in words why something is signed, or return nothing where nothing is."""
    if recorded is None:
        return ("no evidence of it is in this stack's state",)
    lost = ", ".join(k for k in inputs.kinds if k not in recorded.state.statements)
    words = {
        "source": "there is a new build",
        "sources": "there is a new build",
        "owner": "it has another owner",
        "annotations": "its annotations changed",
        "provenance": "what went into it is told in another way",
        "tests": "it was verified in another way",
        "signer": "the signer changed",
        "statements": f"the registry lost its {lost}",
    }
    return tuple(dict.fromkeys(words[name] for name in diff(recorded, inputs) if name in words))


def subjects(ref: TagReference, index: Read) -> dict[str, str]:
    """Return the names and digests of an index and of its platforms, the index first."""
    reference, manifest = index
    place = str(reference)
    found = {str(ref.repository): manifest.digest}
    for child in children_of(document_of(manifest, place), place):
        found[f"{ref.repository}#{child.platform}"] = child.digest
    return found


def statements(
    about: Mapping[str, str], provenance: str, tests: str, sboms: Mapping[str, bytes]
) -> dict[str, Statement]:
    """Return each statement by its kind; `sboms` are CycloneDX documents by platform.

    An SBOM is about its platform, and about the index, to which it is attached.
    """
    index, *platforms = about.items()
    found = {
        PROVENANCE_KIND: _statement(about, PROVENANCE, provenance),
        _TEST_KIND: _statement(about, TEST_RESULT, tests),
    }
    for name, digest in platforms:
        platform = name.rpartition("#")[2]
        if platform in sboms:
            own = dict([index, (name, digest)])
            found[f"{_SBOM_KIND} {platform}"] = _statement(own, SBOM, sboms[platform])
    return found


def kind_signed(statement: Statement) -> str:
    """Return the kind of a statement by what is signed, empty for none of ours."""
    if statement.predicate_type == SBOM:
        _, _, platform = (*statement.subjects, "")[1].rpartition("#")
        return f"{_SBOM_KIND} {platform}"
    return {PROVENANCE: PROVENANCE_KIND, TEST_RESULT: _TEST_KIND}.get(statement.predicate_type, "")


def _statement(about: Mapping[str, str], kind: str, predicate: str | bytes) -> Statement:
    return Statement(subjects=about, predicate_type=kind, predicate=json.loads(predicate))


def annotations(owner: str, kind: str, statement: Statement, signer: str) -> dict[str, str]:
    """Return what a referrer says of itself: nothing that is signed, only by what to find it."""
    return {
        _CONTENT: "dsse-envelope",
        _PREDICATE: statement.predicate_type,
        OWNER_ANNOTATION: owner,
        KIND_ANNOTATION: kind,
        CLAIM_ANNOTATION: statement.claim,
        KEY_ANNOTATION: signer,
    }


def evidence_owner(said: Mapping[str, str]) -> str:
    """Return whose evidence something is by its annotations, empty where it is anything else."""
    return said.get(OWNER_ANNOTATION, "") if KIND_ANNOTATION in said else ""


def is_own(referrer: Referrer, owner: str) -> bool:
    """Tell whether a referrer says that it is evidence of `owner`."""
    return evidence_owner(referrer.annotations) == owner != ""


def kind_of(referrer: Referrer) -> str:
    """Return the kind of statement that a referrer of ours holds."""
    return referrer.annotations.get(KIND_ANNOTATION, "")


def reference(inputs: EvidenceInputs, digest: str) -> ManifestReference:
    """Return the index that the tag shall name, in the tag's repository."""
    return ManifestReference(repository=inputs.ref.repository, digest=digest)
