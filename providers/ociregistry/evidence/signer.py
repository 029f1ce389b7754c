"""Who signs in this run: the key and the builder, both of the environment and in no input."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from fleet.evidence.bundle import sign
from fleet.evidence.errors import EvidenceError
from fleet.evidence.keys import PublicKey, SigningKey
from fleet.evidence.statement import Statement

KEY: Final = "FLEET_SIGNING_KEY"
KEY_FILE: Final = "FLEET_SIGNING_KEY_FILE"

LOCAL: Final = "https://github.com/multi-py/fleet/blob/main/docs/evidence.md#a-persons-run"
"""The builder of a run outside of a workflow: it claims nothing of who ran it, or where."""


class Signer(Protocol):
    """A signer of statements; `hint` is its name in referrers."""

    @property
    def hint(self) -> str: ...  # noqa: D102

    async def sign(self, statement: Statement) -> bytes: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class KeySigner:
    """Signs with a key of one's own, as `builder`, the URI of who makes a provenance."""

    key: SigningKey
    builder: str

    @property
    def hint(self) -> str:
        """The hint of the key."""
        return self.key.public.hint

    async def sign(self, statement: Statement) -> bytes:
        """Return the bundle of `statement`."""
        return sign(statement, self.key, self.builder)


def is_key_given(environment: Mapping[str, str]) -> bool:
    """Tell whether this run was given something to sign with."""
    return bool(environment.get(KEY) or environment.get(KEY_FILE))


def require_key(environment: Mapping[str, str], declared: Sequence[PublicKey]) -> SigningKey:
    """Return the key to sign with. It is read when something is signed, which most runs do not do.

    :raises EvidenceError: if there is none, it can't be used, or it is not the one that is
        declared first.
    """
    pem, file = environment.get(KEY, ""), environment.get(KEY_FILE, "")
    name = KEY if pem else KEY_FILE
    if not pem and not file:
        raise EvidenceError(
            f"there is no key to sign with.\nSet {KEY} to the private key (PEM) of the first "
            "public key in fleet:signing (a lost one: docs/runbook.md#a-signing-key-is-lost)"
        )
    try:
        text, place = (pem, KEY) if pem else (Path(file).read_text("utf-8"), f"{KEY_FILE}, {file},")
    except (OSError, ValueError) as error:
        raise EvidenceError(f"{KEY_FILE}: {file} could not be read: {error}") from error
    key = SigningKey.parse(text, place)
    if key.public != declared[0]:
        raise EvidenceError(
            f"{name} is the key {key.public.hint}; expected {declared[0].hint}, which is declared "
            "first.\nGive that one, or put the public key of this one first in fleet:signing"
        )
    return key


def builder_of(environment: Mapping[str, str]) -> str:
    """Return the URI of who signs: a workflow of GitHub, or a person's run."""
    workflow = environment.get("GITHUB_WORKFLOW_REF", "")
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    if environment.get("GITHUB_ACTIONS") == "true" and workflow:
        return f"{server}/{workflow}"
    return LOCAL
