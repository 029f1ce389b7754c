"""Statements of in-toto (Statement v1): what is claimed of which digests; pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fleet.evidence.errors import EvidenceError
from fleet.http.document import MalformedError, parse_json

PROVENANCE: Final = "https://slsa.dev/provenance/v1"
TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
SBOM: Final = "https://cyclonedx.org/bom"
"""Predicate types, each by its specification."""

_TYPE: Final = "https://in-toto.io/Statement/v1"
_PREFIX = "sha256:"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A claim about `subjects`, names to sha256 digests.

    `predicate_type` says what `predicate` is. Of a provenance, `runDetails` says who made it: that
    is added when it is signed, and counts for nothing in `claim`.
    """

    subjects: Mapping[str, str]
    predicate_type: str
    predicate: Mapping[str, Any]

    @property
    def claim(self) -> str:
        """The digest of all that is claimed, whoever made it."""
        kept = {key: value for key, value in self.predicate.items() if key != "runDetails"}
        predicate = kept if self.predicate_type == PROVENANCE else self.predicate
        return _digest_of(_canonical(self._document(predicate)))

    def payload(self, builder: str, invocation: str = "") -> bytes:
        """Return the statement as it is signed.

        A provenance is made by `builder`, a URI, in the run `invocation`, another one, if any.
        """
        run = {"metadata": {"invocationId": invocation}} if invocation else {}
        made = {"runDetails": {"builder": {"id": builder}, **run}}
        more = made if self.predicate_type == PROVENANCE else {}
        return _canonical(self._document({**self.predicate, **more}))

    def _document(self, predicate: Mapping[str, Any]) -> dict[str, Any]:
        subjects = [
            {"name": name, "digest": {"sha256": digest.removeprefix(_PREFIX)}}
            for name, digest in self.subjects.items()
        ]
        return {
            "_type": _TYPE,
            "subject": subjects,
            "predicateType": self.predicate_type,
            "predicate": predicate,
        }


def statement_of(payload: bytes) -> Statement:
    """Return the statement in `payload`.

    :raises EvidenceError: if it is not a statement about sha256 digests.
    """
    try:
        document = parse_json(payload, "the payload")
        if document["_type"] != _TYPE:
            raise EvidenceError(f"the payload is not a {_TYPE}")
        subjects = {
            str(each["name"]): f"{_PREFIX}{each['digest']['sha256']}"
            for each in document["subject"]
        }
        kind, predicate = document["predicateType"], document["predicate"]
    except (MalformedError, KeyError, TypeError) as error:
        raise EvidenceError("the payload is not an in-toto statement") from error
    if not isinstance(kind, str) or not isinstance(predicate, dict):
        raise EvidenceError("the payload is not an in-toto statement")
    return Statement(subjects=subjects, predicate_type=kind, predicate=predicate)


def _canonical(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _digest_of(body: bytes) -> str:
    return f"{_PREFIX}{hashlib.sha256(body).hexdigest()}"
