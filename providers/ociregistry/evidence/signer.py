"""Who signs in this run: the key and the builder, both of the environment and in no input."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from fleet.evidence.errors import EvidenceError
from fleet.evidence.keys import PublicKey, SigningKey

KEY: Final = "FLEET_SIGNING_KEY"
KEY_FILE: Final = "FLEET_SIGNING_KEY_FILE"

LOCAL: Final = "https://github.com/multi-py/fleet/blob/main/docs/evidence.md#a-persons-run"
"""The builder of a run outside of a workflow: it claims nothing of who ran it, or where."""


def read_key(environment: Mapping[str, str]) -> SigningKey | None:
    """Return the key of this run, None where there is none.

    :raises EvidenceError: if it can't be read, or is not a key to sign with.
    """
    pem, file = environment.get(KEY, ""), environment.get(KEY_FILE, "")
    if pem:
        return SigningKey.parse(pem, KEY)
    if not file:
        return None
    try:
        return SigningKey.parse(Path(file).read_text("utf-8"), f"{KEY_FILE}, {file},")
    except (OSError, ValueError) as error:
        raise EvidenceError(f"{KEY_FILE}: {file} could not be read: {error}") from error


def require_key(key: SigningKey | None, declared: Sequence[PublicKey]) -> SigningKey:
    """Return the key to sign with.

    :raises EvidenceError: if there is none, or it is not the one that is declared first.
    """
    if key is None:
        raise EvidenceError(
            f"there is no key to sign with; set {KEY} to the private key (PEM) of the first public "
            "key in fleet:signing"
        )
    if key.public != declared[0]:
        raise EvidenceError(
            f"{KEY} is the key {key.public.hint}, and {declared[0].hint} is declared first; give "
            "that one, or put the public key of this one first in fleet:signing"
        )
    return key


def builder_of(environment: Mapping[str, str]) -> str:
    """Return the URI of who signs: a workflow of GitHub, or a person's run."""
    workflow = environment.get("GITHUB_WORKFLOW_REF", "")
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    if environment.get("GITHUB_ACTIONS") == "true" and workflow:
        return f"{server}/{workflow}"
    return LOCAL
