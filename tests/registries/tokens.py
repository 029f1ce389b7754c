"""GitHub's way of token authentication: who gets a token, and what it is good for."""

import base64
import json
import re
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs

from fleet.local.registry_login import USERNAME
from tests.engine.seeding import SOMEBODY
from tests.registries.github import TOKEN, Answer

# As in a checkout whose registry is on this machine, so that its commands find the login there.
USER = USERNAME
_ROUTE = re.compile(r"/v2/(?P<name>.+?)/(?:manifests|blobs|tags)/.*")
_SCOPE = re.compile(r"repository:(?P<name>[^:]+):(?P<actions>[a-z,]+)")
_DENIED = b'{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}'


@dataclass
class Tokens:
    """A token server, and the check of its tokens; `requests` are the queries that it got.

    It refuses with 403 to let a package be read that does not exist, whoever asks. A login gets a
    token to push to any. Seeds come in with a token of their own.
    """

    requests: list[dict[str, list[str]]] = field(default_factory=list)
    refused: int = 0
    password: str = TOKEN
    _granted: dict[str, dict[str, str]] = field(default_factory=dict)

    def issue(self, query: str, authorization: str, packages: Collection[str]) -> Answer:
        """Answer a request for a token."""
        asked = parse_qs(query)
        self.requests.append(asked)
        pair = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        login = authorization == f"Basic {pair}"
        if authorization and not login:
            return Answer(HTTPStatus.UNAUTHORIZED, _DENIED)
        scopes = [match for text in asked.get("scope", []) if (match := _SCOPE.fullmatch(text))]
        for scope in scopes:
            pushing = "push" in scope["actions"].split(",")
            if not (login and pushing) and (pushing or scope["name"] not in packages):
                self.refused += 1
                return Answer(HTTPStatus.FORBIDDEN, _DENIED)
        token = uuid.uuid4().hex  # requests come in side by side
        self._granted[token] = {scope["name"]: scope["actions"] for scope in scopes}
        return Answer(HTTPStatus.OK, json.dumps({"token": token}).encode())

    def challenge(self, method: str, path: str, authorization: str, host: str) -> Answer | None:
        """Return the refusal of a request, None where its token is good for it."""
        match = _ROUTE.fullmatch(path)
        if match is None or authorization == SOMEBODY["Authorization"]:
            return None
        needed = "pull" if method in {"GET", "HEAD"} else "push"
        granted = self._granted.get(authorization.removeprefix("Bearer "), {})
        if needed in granted.get(match["name"], "").split(","):
            return None
        scope = f"repository:{match['name']}:{needed}"
        realm = f'Bearer realm="http://{host}/token",service="ghcr.io",scope="{scope}"'
        return Answer(HTTPStatus.UNAUTHORIZED, _DENIED, {"WWW-Authenticate": realm})
