"""Evidence, pure: what is stated of an image, which referrer holds it, and what differs."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from fleet.evidence.identity import Identity
from fleet.evidence.keys import PublicKey
from fleet.evidence.statement import PROVENANCE, SBOM, TEST_RESULT, Statement
from fleet.registry.manifest import OWNER_ANNOTATION, Manifest, digest_of
from fleet.registry.reference import TagReference
from fleet.registry.referrers import Referrer

_PREFIX: Final = "io.github.multi-py.fleet.evidence"
KIND_ANNOTATION: Final = f"{_PREFIX}.kind"
CLAIM_ANNOTATION: Final = f"{_PREFIX}.claim"
KEY_ANNOTATION: Final = f"{_PREFIX}.key"
# Sigstore's own, by which cosign finds what it looks for (sigstore/cosign, spec of bundles in OCI).
_CONTENT: Final = "dev.sigstore.bundle.content"
_PREDICATE: Final = "dev.sigstore.bundle.predicateType"

_MARK: Final = 16

PROVENANCE_KIND: Final = "provenance"
NOTICE_KIND: Final = "end-of-life"
"""What is no statement: a notice that a tag left the declaration."""
_TEST_KIND: Final = "test-result"
_SBOM_KIND: Final = "sbom"

_UNKNOWN, _LOST = "signed", "signed.statements"
_DECLARED: Final = {
    "provenance": "evidence.provenance",
    "tests": "evidence.tests",
    "signer": "evidence",
}
_WORDS: Final = {
    _UNKNOWN: "no evidence of it is in this stack's state",
    _LOST: "the registry lost its {lost}",
    _DECLARED["provenance"]: "what went into it is told in another way",
    _DECLARED["tests"]: "it was verified in another way",
    _DECLARED["signer"]: "the signer changed",
}
PROPERTIES: Final = frozenset(_WORDS)
"""The properties of a tag for which its evidence is signed, and its name does not move."""


@dataclass(frozen=True, kw_only=True)
class EvidenceState:
    """What is signed of the index that the last update wrote or adopted."""

    statements: Annotated[
        Mapping[str, str],
        "Kind of statement to the fingerprint of its referrer, of those that are there.",
    ]
    listed: Annotated[
        str,
        "The fingerprint of the list of referrers under its tag; empty if some are missing there "
        "and the registry lists them itself.",
    ] = ""
    made_of: Annotated[
        Mapping[str, str],
        "The fingerprints of the inputs of the statements: an update compares them.",
    ] = field(default_factory=dict)

    def lost(self, platforms: Iterable[str]) -> tuple[str, ...]:
        """Return the kinds of statements that there shall be of `platforms`, and are not."""
        return tuple(kind for kind in kinds_of(platforms) if kind not in self.statements)


@dataclass(frozen=True, kw_only=True)
class EvidenceInputs:
    """What is declared to be signed of a version tag, and by whom.

    `provenance` and `tests` are fingerprints of predicates, None where a preview does not know them
    yet. `keys` are those whose signatures count, the one to sign with first. `identity` signs
    without a key, with `public_log` in a public log though its repository is private.
    """

    keys: tuple[PublicKey, ...]
    identity: Identity | None = None
    public_log: bool = False
    provenance: str | None
    tests: str | None

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
    def made_of(self) -> dict[str, str]:
        """What the statements follow from, by fingerprints; empty where it is unknown."""
        return {
            "provenance": self.provenance or "",
            "tests": self.tests or "",
            "signer": fingerprint(digest_of(self.signed_by.encode())),
        }

    def differing(
        self, recorded: EvidenceState | None, platforms: Iterable[str]
    ) -> tuple[str, ...]:
        """Return the properties of a tag for which something has to be signed.

        `platforms` are those of the tag. `signed` stands for a state that knows of no evidence,
        `signed.statements` for what was lost.
        """
        if recorded is None:
            return (_UNKNOWN,)
        found = [
            _DECLARED[name]
            for name, mark in self.made_of.items()
            if not mark or recorded.made_of.get(name) != mark
        ]
        return (*found, *([_LOST] if recorded.lost(platforms) else []))

    def reasons(self, recorded: EvidenceState | None, platforms: Iterable[str]) -> tuple[str, ...]:
        """Say in words why something is signed of an index, or return nothing where nothing is."""
        known = tuple(platforms)
        lost = ", ".join(recorded.lost(known) if recorded else ())
        return tuple(_WORDS[name].format(lost=lost) for name in self.differing(recorded, known))


def fingerprint(digest: str) -> str:
    """Return the first 64 bits of a digest in hex, or nothing of nothing.

    The state, which has one for each of thousands of statements, sees by them that something moved.
    What may be trusted is told by signatures.
    """
    return digest.removeprefix("sha256:")[:_MARK]


def is_fingerprint(text: str) -> bool:
    """Tell whether a text is a fingerprint."""
    return re.fullmatch(f"[0-9a-f]{{{_MARK}}}", text) is not None


def kinds_of(platforms: Iterable[str]) -> tuple[str, ...]:
    """Return the kinds of statements that there shall be of an index of `platforms`."""
    return (PROVENANCE_KIND, _TEST_KIND, *(f"{_SBOM_KIND} {platform}" for platform in platforms))


def subjects(ref: TagReference, index: Manifest) -> dict[str, str]:
    """Return the names and digests of an index and of its platforms, the index first."""
    found = {str(ref.repository): index.digest}
    for child in index.children(f"{ref.repository}@{index.digest}"):
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
