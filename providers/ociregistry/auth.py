"""Answers to a registry's challenges: Basic, and Bearer tokens with a scope."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from fleet.http.document import MalformedError, parse_json
from fleet.http.message import Call, Reply
from providers.ociregistry.credentials import Credentials, find_credentials
from providers.ociregistry.errors import AuthenticationError

_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_CLIENT = "image-fleet-oci"
# Distribution token specification: the lifetime where the server names none.
_LIFETIME = 60.0
# Renew a little early, so that a token does not expire on the way.
_MARGIN = 5.0


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """A WWW-Authenticate header: its scheme in lower case, and its parameters."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenge(header: str) -> Challenge:
    """Parse the first challenge of a WWW-Authenticate header (RFC 9110 section 11.6.1)."""
    scheme, _, rest = header.strip().partition(" ")
    found = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}
    return Challenge(scheme=scheme.lower(), parameters=found)


@dataclass(frozen=True, kw_only=True)
class _Grant:
    authorization: str
    expires: float


_Key = tuple[str, tuple[str, ...]]


class Authenticator:
    """Keeps one Authorization header for each host and set of scopes."""

    def __init__(
        self,
        fetch: Callable[[Call, str], Awaitable[Reply]],
        environment: Mapping[str, str],
        plain: frozenset[str],
    ) -> None:
        self._fetch = fetch
        self._environment = environment
        self._plain = plain
        self._grants: dict[_Key, _Grant] = {}
        self._locks: defaultdict[_Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    def current(self, host: str, scopes: tuple[str, ...]) -> str:
        """Return the header to send at once; empty where none is known or it has expired."""
        grant = self._grants.get((host, scopes))
        fresh = grant is not None and time.monotonic() < grant.expires
        return grant.authorization if grant is not None and fresh else ""

    async def renew(self, call: Call, header: str, refused: str) -> str:
        """Return a header that answers the challenge `header`; `refused` was just rejected.

        :raises AuthenticationError: if there are no credentials for a challenge that needs
            some, or the token server refuses them.
        """
        host = urlsplit(call.url).netloc
        key = (host, call.scopes)
        async with self._locks[key]:
            current = self.current(host, call.scopes)
            if current and current != refused:
                return current  # another request renewed it meanwhile
            grant = await self._answer(host, call, parse_challenge(header))
            self._grants[key] = grant
            return grant.authorization

    async def _answer(self, host: str, call: Call, challenge: Challenge) -> _Grant:
        credentials = await find_credentials(host, self._environment)
        if challenge.scheme == "bearer":
            return await self._token(host, call, challenge, credentials)
        if challenge.scheme != "basic":
            raise AuthenticationError(f"{call.place}: {challenge.scheme!r} is no known scheme")
        if credentials is None or not credentials.username:
            raise _nothing_to_offer(call.place)
        return _Grant(authorization=credentials.basic(), expires=float("inf"))

    async def _token(
        self, host: str, call: Call, challenge: Challenge, credentials: Credentials | None
    ) -> _Grant:
        realm = challenge.parameters.get("realm", "")
        if not self._may_send_to(realm):
            raise AuthenticationError(f"{call.place}: the token server {realm!r} has no https://")
        scopes = merge_scopes((*challenge.parameters.get("scope", "").split(), *call.scopes))
        service = challenge.parameters.get("service", "")
        request, authorization = _token_call(realm, service, scopes, credentials)
        reply = await self._fetch(request, authorization)
        if reply.status != HTTPStatus.OK:
            raise AuthenticationError(
                f"{realm}: the token server answered {reply.status} for {host}; check the "
                "credentials and their permissions (FLEET_REGISTRY_* or DOCKER_CONFIG)"
            )
        return _parse_token(reply.body, realm)

    def _may_send_to(self, realm: str) -> bool:
        url = urlsplit(realm)
        return url.scheme == "https" or (url.scheme == "http" and url.netloc in self._plain)


def _nothing_to_offer(place: str) -> AuthenticationError:
    return AuthenticationError(
        f"{place}: the registry asks for credentials; set FLEET_REGISTRY_USERNAME and "
        "FLEET_REGISTRY_PASSWORD, or log in with Docker (DOCKER_CONFIG)"
    )


def merge_scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Join scopes `type:name:actions` of one resource; sorted, each resource once."""
    actions: defaultdict[str, set[str]] = defaultdict(set)
    for scope in scopes:
        resource, _, wanted = scope.rpartition(":")
        actions[resource] |= set(wanted.split(","))
    return tuple(
        f"{resource}:{','.join(sorted(actions[resource]))}" for resource in sorted(actions)
    )


def _token_call(
    realm: str, service: str, scopes: tuple[str, ...], credentials: Credentials | None
) -> tuple[Call, str]:
    if credentials is not None and credentials.identity_token:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": credentials.identity_token,
            "service": service,
            "client_id": _CLIENT,
            "scope": " ".join(scopes),
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        content = urlencode(form).encode()
        return Call(method="POST", url=realm, headers=headers, content=content), ""
    query = urlencode([("service", service), *(("scope", scope) for scope in scopes)])
    joint = "&" if "?" in realm else "?"
    authorization = credentials.basic() if credentials is not None else ""
    return Call(method="GET", url=f"{realm}{joint}{query}"), authorization


def _parse_token(body: bytes, realm: str) -> _Grant:
    try:
        fields = parse_json(body, f"{realm}: the token server's answer")
        token = fields.get("token") or fields["access_token"]
        lifetime = float(fields.get("expires_in") or _LIFETIME)
    except (MalformedError, ValueError, KeyError, TypeError, AttributeError):
        raise AuthenticationError(f"{realm}: the token server's answer is malformed") from None
    expires = time.monotonic() + max(lifetime - _MARGIN, 1.0)
    return _Grant(authorization=f"Bearer {token}", expires=expires)
