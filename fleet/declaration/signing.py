"""Who signs the evidence of a fleet: public keys, an identity; no private key is ever declared."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fleet.declaration.github import GitHub
from fleet.declaration.problems import Problems
from fleet.declaration.schema import matches

GITHUB_ISSUER: Final = "https://token.actions.githubusercontent.com"
"""Who says which workflow a job of GitHub's is of."""


_WORKFLOW: Final = re.compile(r"https://github\.com/(([^/]+/[^/]+)/[^@]+)@(.+)")


@dataclass(frozen=True, kw_only=True)
class Keyless:
    """The identity that signs by `issuer`'s word, with `public_log` always in a public log."""

    identity: str
    issuer: str
    public_log: bool

    def checks(self, image: str) -> tuple[str, ...]:
        """Return the lines of a shell that check who signed `image`, a tag or a digest.

        That of `gh` is there for a workflow on github.com alone. Options:
        https://cli.github.com/manual/gh_attestation_verify,
        https://docs.sigstore.dev/cosign/verifying/verify/
        """
        who = ["--certificate-identity", self.identity, "--certificate-oidc-issuer", self.issuer]
        lines = [["cosign", "verify", *who, image]]
        if found := _WORKFLOW.fullmatch(self.identity):
            workflow, repository, ref = found.groups()
            options = ["--repo", repository, "--signer-workflow", workflow, "--source-ref", ref]
            lines = [["gh", "attestation", "verify", f"oci://{image}", *options], *lines]
        return tuple(map(shlex.join, lines))


@dataclass(frozen=True, kw_only=True)
class RetiredKey:
    """A public key (SubjectPublicKeyInfo in base64) that counts no more since the day `until`."""

    key: str
    until: str


@dataclass(frozen=True, kw_only=True)
class Signing:
    """The public keys (SubjectPublicKeyInfo in base64), the one to sign with first, and others."""

    keys: tuple[str, ...] = ()
    keyless: Keyless | None = None
    retired: tuple[RetiredKey, ...] = ()

    @property
    def declared(self) -> bool:
        """True where somebody is declared to sign."""
        return bool(self.keys or self.keyless)


def parse_signing(
    declared: Mapping[str, Any] | None, github: GitHub | None, problems: Problems, *, local: bool
) -> Signing:
    """Return what the key ``signing`` declares; ``local``: the registry is on this machine."""
    if declared is None:
        return Signing()
    keys = tuple(map(public_key, declared.get("keys", ())))
    retired = tuple(
        RetiredKey(key=public_key(each.get("key", "")), until=each.get("until", ""))
        for each in declared.get("retired", ())
    )
    if {each.key for each in retired} & {*keys} - {""}:
        problems.add(
            "fleet:signing.retired",
            "has a key that still signs",
            "Take it out of fleet:signing.keys",
        )
    if not declared.keys() & {"keys", "keyless"}:
        problems.add("fleet:signing", "names no signer", "Declare keys or keyless")
    keyless = _keyless(declared["keyless"], github, problems) if "keyless" in declared else None
    if keyless and local:
        problems.add(
            "fleet:signing.keyless",
            "is of a workflow on GitHub, and the registry is on this machine",
            "Take it out: the registry on this machine has a key of its own",
        )
    return Signing(keys=keys, keyless=keyless, retired=retired)


def _keyless(declared: Mapping[str, Any], github: GitHub | None, problems: Problems) -> Keyless:
    identity = declared.get("identity", "")
    if not identity and github and github.repository:
        place = f"https://github.com/{github.repository}/.github/workflows/up.yml"
        identity = f"{place}@refs/heads/{github.branch}"
    if not identity:
        problems.add(
            "fleet:signing.keyless",
            "has no identity, and fleet:github names no repository that it follows from",
            "Declare fleet:github, or the identity: "
            "https://github.com/OWNER/NAME/.github/workflows/FILE@refs/heads/BRANCH",
        )
    return Keyless(
        identity=identity,
        issuer=declared.get("issuer", GITHUB_ISSUER),
        public_log=declared.get("transparency") == "public",
    )


def public_key(pem: str) -> str:
    """Return the SubjectPublicKeyInfo (base64, RFC 5280) of a public key in PEM, empty if none.

    The DER of one begins alike for all keys of a kind (RFC 5480 for P-256 with an uncompressed
    point, RFC 8410 for Ed25519); lines of PEM have 64 characters (RFC 7468).
    """
    return "".join(pem.strip().splitlines()[1:-1]) if matches(pem, "public-key") else ""
