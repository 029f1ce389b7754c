"""The job of a workflow on GitHub: its tokens, and where its attestations are stored.

By https://docs.github.com/en/actions/reference/security/oidc and
https://docs.github.com/en/rest/repos/attestations.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fleet.evidence.errors import EvidenceError
from fleet.http.document import MalformedError, parse_json
from fleet.sigstore.service import Service

ATTESTING_TOKEN: Final = "FLEET_ATTESTATIONS_TOKEN"  # noqa: S105 - the name of a variable
"""The variable with the job's own token, which may write attestations."""

NO_IDENTITY: Final = (
    "this run has no identity to sign with: fleet:signing.keyless is declared, and GitHub gives "
    "identities to jobs with the permission `id-token: write` alone; let the workflow sign it, or "
    "declare a key beside it and give that"
)
"""Why nothing can be signed here."""

_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
_BEARER = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_AUDIENCE = "sigstore"  # what Fulcio asks for


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token of the job; `subject` is whose it is, `public` says that its repository is."""

    text: str
    subject: str
    public: bool


def can_identify(environment: Mapping[str, str]) -> bool:
    """Tell whether this run is a job that may ask for tokens of its identity."""
    return bool(environment.get(_URL) and environment.get(_BEARER))


class Workflow:
    """The job that the `environment` is of."""

    def __init__(self, environment: Mapping[str, str], service: Service) -> None:
        self._environment = environment
        self._service = service

    async def token(self) -> Token:
        """Return a new token for Fulcio, good for minutes.

        :raises EvidenceError: if GitHub gives none.
        """
        url = self._environment[_URL]
        asked = f"{url}{'&' if '?' in url else '?'}audience={_AUDIENCE}"
        answer = await self._service.get(asked, self._environment[_BEARER])
        try:
            text = str(answer["value"])
            claims = _claims(text)
            # Fulcio looks at the signature of the token; what it is about is all that counts here.
            public = claims.get("repository_visibility") == "public"
            return Token(text=text, subject=str(claims["sub"]), public=public)
        except (KeyError, TypeError, ValueError, MalformedError) as error:
            raise EvidenceError(f"GET {url.partition('?')[0]}: the answer has no token") from error

    async def attest(self, bundle: bytes) -> None:
        """Store a bundle with GitHub, where `gh attestation verify` looks for it.

        :raises EvidenceError: if GitHub refuses it.
        """
        variables = ("GITHUB_API_URL", "GITHUB_REPOSITORY", ATTESTING_TOKEN)
        base, repository, token = (self._environment.get(name, "") for name in variables)
        if not (base and repository and token):
            raise EvidenceError(f"attestations: {', '.join(variables)} have to be set")
        fields = {"bundle": parse_json(bundle, "the bundle")}
        await self._service.post(f"{base}/repos/{repository}/attestations", fields, token)

    @property
    def invocation(self) -> str:
        """The address of this run of the workflow, as SLSA's provenance of GitHub's has it."""
        names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT")
        server, repository, run, attempt = (self._environment.get(name, "") for name in names)
        return f"{server}/{repository}/actions/runs/{run}/attempts/{attempt}"


def _claims(token: str) -> dict[str, Any]:
    """Return the claims of a JSON web token (RFC 7519), unchecked."""
    part = token.split(".")[1]
    found = parse_json(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), "a token")
    if not isinstance(found, dict):
        raise TypeError
    return found
