"""Properties of `Evidence` as the engine carries them, turned into the model, and back."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from pulumi.runtime.rpc import UNKNOWN

from fleet.evidence.identity import Identity
from fleet.evidence.keys import PublicKey
from fleet.registry.manifest import digest_of
from providers.ociregistry.evidence.model import (
    EvidenceInputs,
    EvidenceState,
    RecordedEvidence,
    fingerprint,
    is_fingerprint,
)
from providers.ociregistry.fields import checked, decoded, encoded, fields_of
from providers.ociregistry.properties import InvalidInputsError, Properties, tag_inputs
from providers.ociregistry.sdk import EvidenceArgs

TEXTS: Final = ("provenance", "tests")
"""The inputs of which the state keeps a fingerprint alone."""

_MADE_OF: Final = "madeOf"


def shortened_texts(properties: Properties) -> tuple[dict[str, Any], dict[str, str]]:
    """Return inputs with a fingerprint in the place of each text, and the texts by these.

    :raises InvalidInputsError: naming every text that is not a JSON object.
    """
    short, texts, problems = dict(properties), dict[str, str](), dict[str, str]()
    for name in TEXTS:
        text = properties.get(name)
        if not isinstance(text, str) or text == UNKNOWN or is_fingerprint(text):
            continue
        if not _is_object(text):
            problems[name] = "is not a JSON object; write the predicate of the statement"
        short[name] = fingerprint(digest_of(text.encode()))
        texts[short[name]] = text
    if problems:
        raise InvalidInputsError(problems)
    return short, texts


def evidence_inputs(properties: Properties) -> EvidenceInputs:
    """Read the inputs, in which texts are fingerprints.

    :raises InvalidInputsError: naming every property that is wrong.
    """
    problems: dict[str, str] = {}
    args = checked(EvidenceArgs, properties, problems)
    for name in TEXTS:
        if not properties.get(name):
            problems.setdefault(name, "is missing; write the predicate of the statement as JSON")
    if not args.platforms:
        problems.setdefault("platforms", "has none; evidence is for a version tag")
    if not all(map(_is_key, args.keys)):
        problems.setdefault("keys", "write each public key as SubjectPublicKeyInfo in base64")
    identity, issuer = (str(args.keyless.get(name, "")) for name in ("identity", "issuer"))
    if not (args.keys or args.keyless):
        problems.setdefault("keys", "has none; give one, or say in keyless who signs")
    if args.keyless and not (identity and issuer):
        problems.setdefault("keyless", "write an identity and its issuer, or give keys alone")
    try:
        tag = tag_inputs({k: v for k, v in properties.items() if k not in TEXTS})
    except InvalidInputsError as error:
        raise InvalidInputsError({**error.problems, **problems}) from None
    if problems:
        raise InvalidInputsError(problems)
    return EvidenceInputs(
        tag=tag,
        keys=tuple(PublicKey(spki=key) for key in args.keys),
        identity=Identity(name=identity, issuer=issuer) if identity else None,
        public_log=args.keyless.get("transparency") == "public",
        provenance=_known(properties["provenance"]),
        tests=_known(properties["tests"]),
    )


def recorded_evidence(properties: Properties) -> RecordedEvidence:
    """Read a state as this provider wrote it."""
    return RecordedEvidence(
        made_of=dict(properties.get(_MADE_OF) or {}),
        state=decoded(EvidenceState, properties),
    )


def output_properties(inputs: EvidenceInputs, state: EvidenceState) -> dict[str, Any]:
    """Return what the state keeps beside the inputs, which are not repeated."""
    return {_MADE_OF: inputs.made_of, **encoded(state)}


def unknown_outputs(inputs: EvidenceInputs, digest: str) -> dict[str, Any]:
    """Return the outputs of a preview; the digest is known or empty."""
    outputs = dict.fromkeys((field.name for field in fields_of(EvidenceState)), UNKNOWN)
    return {**output_properties(inputs, EvidenceState()), **outputs, "digest": digest or UNKNOWN}


def _known(text: Any) -> str | None:
    return None if text == UNKNOWN else str(text)


def _is_key(key: Any) -> bool:
    try:
        return isinstance(key, str) and bool(base64.b64decode(key, validate=True))
    except binascii.Error:
        return False


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), Mapping)
    except ValueError:
        return False
