"""Whose signatures `make verify` takes: those that are declared, now, before and no more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fleet.declaration.model import Declaration
from fleet.evidence.identity import Identity
from fleet.evidence.keys import PublicKey

NOT_CHECKED: Final = (
    "Of keyless signatures, the certificate and who it names were checked; that it was valid when "
    "it was used, by a log or a timestamp, was not: `gh attestation verify` and cosign check that "
    "(docs/evidence.md)"
)
"""What this command can't tell of keyless signatures."""


@dataclass(frozen=True, kw_only=True)
class Trusted:
    """The trusted signers: public ``keys``, the one to sign with first, and an ``identity``.

    The certificates of identities are issued by ``authorities`` (DER). The ``retired`` keys count
    no more, each since a day; what they signed is told.
    """

    keys: tuple[PublicKey, ...] = ()
    identity: Identity | None = None
    authorities: tuple[bytes, ...] = ()
    retired: Mapping[PublicKey, str] = field(default_factory=dict)

    @property
    def current(self) -> tuple[PublicKey | Identity, ...]:
        """Those that sign now."""
        return (*filter(None, [self.identity]), *self.keys[:1])

    @property
    def signers(self) -> tuple[PublicKey | Identity, ...]:
        """All that count, those that sign now first."""
        return (*self.current, *self.keys[1:])


def trusted(
    declaration: Declaration, keys: Sequence[str], authorities: tuple[bytes, ...]
) -> Trusted:
    """Return whose signatures count, by the ``keys`` of a plan and what is declared."""
    keyless, retired = declaration.signing.keyless, declaration.signing.retired
    return Trusted(
        keys=tuple(PublicKey(spki=key) for key in keys),
        identity=Identity(name=keyless.identity, issuer=keyless.issuer) if keyless else None,
        authorities=authorities,
        retired={PublicKey(spki=each.key): each.until for each in retired},
    )
