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
    """What signs statements; `hint` is what referrers call it."""

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


@dataclass(frozen=True, kw_only=True)
class GivenKey:
    """The key that the variable `name` gives: either it, or in `fault` why it can't be used.

    Most runs sign nothing, and a key that is wrong is no matter to them.
    """

    name: str
    key: SigningKey | None = None
    fault: str = ""


def read_key(environment: Mapping[str, str]) -> GivenKey | None:
    """Return what this run was given to sign with, None for nothing."""
    pem, file = environment.get(KEY, ""), environment.get(KEY_FILE, "")
    if not pem and not file:
        return None
    name = KEY if pem else KEY_FILE
    try:
        if pem:
            return GivenKey(name=name, key=SigningKey.parse(pem, KEY))
        text = Path(file).read_text("utf-8")
        return GivenKey(name=name, key=SigningKey.parse(text, f"{KEY_FILE}, {file},"))
    except EvidenceError as error:
        return GivenKey(name=name, fault=str(error))
    except (OSError, ValueError) as error:
        return GivenKey(name=name, fault=f"{KEY_FILE}: {file} could not be read: {error}")


def require_key(given: GivenKey | None, declared: Sequence[PublicKey]) -> SigningKey:
    """Return the key to sign with.

    :raises EvidenceError: if there is none, it can't be used, or it is not the one that is
        declared first.
    """
    if given is None:
        raise EvidenceError(
            f"there is no key to sign with; set {KEY} to the private key (PEM) of the first public "
            "key in fleet:signing (a lost one: docs/runbook.md#a-signing-key-is-lost)"
        )
    key = given.key
    if key is None:
        raise EvidenceError(given.fault)
    if key.public != declared[0]:
        raise EvidenceError(
            f"{given.name} is the key {key.public.hint}, and {declared[0].hint} is declared first; "
            "give that one, or put the public key of this one first in fleet:signing"
        )
    return key


def builder_of(environment: Mapping[str, str]) -> str:
    """Return the URI of who signs: a workflow of GitHub, or a person's run."""
    workflow = environment.get("GITHUB_WORKFLOW_REF", "")
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    if environment.get("GITHUB_ACTIONS") == "true" and workflow:
        return f"{server}/{workflow}"
    return LOCAL
