"""Answers to a registry's challenges: Basic, and Bearer tokens with a scope."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from fleet.http import secret
from fleet.http.addresses import origin
from fleet.http.document import MalformedError, parse_json
from fleet.http.message import Call, Reply
from fleet.http.retry import TRANSIENT, failing
from fleet.registry.challenge import Challenge, parse_challenges, require_realm
from fleet.registry.docker_login import Credentials
from fleet.registry.errors import AuthenticationError
from fleet.registry.login import NO_LOGINS, Logins, find_credentials
from fleet.registry.reference import Repository

PULL = "pull"
PUSH = "pull,push"
REMOVE = "delete,pull,push"
_REPOSITORY = "repository:"
_CLIENT = "image-fleet-oci"
# Distribution token specification: the lifetime where the server names none.
_LIFETIME = 60.0
# Renew a little early, so that a token does not expire on the way.
_MARGIN = 5.0


def scope(repository: Repository, actions: str, *sources: Repository) -> tuple[str, ...]:
    """Return the scopes for `actions` on a repository and for pulling from `sources`."""
    pulls = (f"{_REPOSITORY}{source.name}:{PULL}" for source in sources)
    return (f"{_REPOSITORY}{repository.name}:{actions}", *pulls)


@dataclass(frozen=True, kw_only=True)
class _Grant:
    authorization: str
    expires: float


_Key = tuple[tuple[str, str, int], tuple[str, ...]]


class Authenticator:
    """Keeps one Authorization header for each origin (scheme and host) and set of scopes."""

    def __init__(
        self,
        fetch: Callable[[Call, str], Awaitable[Reply]],
        environment: Mapping[str, str],
        logins: Logins = NO_LOGINS,
    ) -> None:
        self._fetch = fetch
        self._environment = environment
        self._logins = logins
        self._grants: dict[_Key, _Grant] = {}
        self._locks: defaultdict[_Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    def current(self, call: Call) -> str:
        """Return the header to send at once; empty where none is known or it has expired."""
        grant = self._grants.get(_key(call))
        if grant is None or time.monotonic() >= grant.expires:
            return ""
        return grant.authorization

    async def renew(self, call: Call, headers: Iterable[str], refused: str) -> str:
        """Return a header that answers one of the challenges; `refused` was just rejected.

        :raises AuthenticationError: if there are no credentials for a challenge that needs
            some, or the token server refuses them.
        """
        key = _key(call)
        async with self._locks[key]:
            current = self.current(call)
            if current and current != refused:
                return current  # another request renewed it meanwhile
            grant = await self._answer(call, parse_challenges(headers))
            self._grants[key] = grant
            return grant.authorization

    async def _answer(self, call: Call, challenges: tuple[Challenge, ...]) -> _Grant:
        """Answer the best challenge that can be: a token for Bearer, else the pair for Basic.

        A Bearer whose token server the registry may not name can't be answered.
        """
        repository = Repository(host=urlsplit(call.url).netloc, name=_repository_of(call.scopes))
        credentials = await find_credentials(repository, self._logins, self._environment)
        refusal: AuthenticationError | None = None
        for challenge in challenges:
            if challenge.scheme != "bearer" or not challenge.parameters.get("realm"):
                continue
            try:
                declared = self._logins.realm(repository.host)
                realm = require_realm(call.url, challenge.parameters["realm"], declared)
            except AuthenticationError as error:
                refusal = refusal or error
                continue
            return await self._token(call, realm, challenge, credentials)
        if not any(challenge.scheme == "basic" for challenge in challenges):
            schemes = ", ".join(challenge.scheme for challenge in challenges) or "nothing readable"
            raise refusal or AuthenticationError(
                f"{call.place}: unsupported authentication scheme: the registry asks for "
                f"{schemes}; expected Bearer with a realm, or Basic.\nCheck its configuration"
            )
        if credentials is None or not credentials.username:
            raise refusal or AuthenticationError(
                f"{call.place}: the registry asks for credentials, and there are none for "
                f"{repository.host}.\n{self._logins.remedy(repository.host)}"
            )
        return _Grant(authorization=credentials.basic(), expires=float("inf"))

    async def _token(
        self, call: Call, realm: str, challenge: Challenge, credentials: Credentials | None
    ) -> _Grant:
        asked = challenge.parameters.get("scope", "").split()
        service = challenge.parameters.get("service", "")

        async def ask(scopes: tuple[str, ...]) -> Reply:
            wanted = merge_scopes((*asked, *scopes))
            return await self._fetch(*_token_call(realm, service, wanted, credentials))

        reply = await ask(call.scopes)
        stronger = _pushing(call.scopes)
        if reply.status == HTTPStatus.FORBIDDEN and credentials is not None and stronger:
            # GitHub's token server refuses to let a package be read that does not exist yet. Those
            # who may make it get a token to push, and the registry itself then says 404.
            reply = await ask(stronger)
        what = f"{call.place}: the token server {realm} answered {reply.status}"
        if reply.status in TRANSIENT:
            raise failing(reply.status, f"{what}; run again later")
        if reply.status != HTTPStatus.OK and credentials is None:
            remedy = self._logins.remedy(urlsplit(call.url).netloc)
            raise AuthenticationError(f"{what} without a login.\n{remedy}")
        if reply.status != HTTPStatus.OK:
            raise AuthenticationError(
                f"{what}. Some registries answer so for a repository that does not exist and that "
                "the login may not create.\nCheck that the login is valid and may use this "
                "repository"
            )
        return _parse_token(reply.body, realm)


def _key(call: Call) -> _Key:
    return origin(call.url), call.scopes


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
        fields = parse_json(body, "")
        token = fields.get("token") or fields["access_token"]
        lifetime = float(fields.get("expires_in") or _LIFETIME)
    except (MalformedError, ValueError, KeyError, TypeError, AttributeError):
        # Neither the answer nor an error that quotes it is shown: it may hold the token.
        raise AuthenticationError(f"{realm}: the token server's answer is malformed") from None
    if not isinstance(token, str) or not token:
        raise AuthenticationError(f"{realm}: the token server's answer is malformed")
    expires = time.monotonic() + max(lifetime - _MARGIN, 1.0)
    return _Grant(authorization=f"Bearer {secret.token(token, realm)}", expires=expires)


def _repository_of(scopes: tuple[str, ...]) -> str:
    """Return the name of the repository that is acted on, '' where the scopes name none."""
    first = scopes[0] if scopes else ""
    return first.removeprefix(_REPOSITORY).rpartition(":")[0] if _REPOSITORY in first else ""


def _pushing(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scopes with pushing to the repository as well, none where they have that."""
    first = scopes[0] if scopes else ""
    return (f"{first.removesuffix(PULL)}{PUSH}", *scopes[1:]) if first.endswith(f":{PULL}") else ()


def merge_scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Join scopes `type:name:actions` of one resource; sorted, each resource once.

    A scope of another form (Gitea's challenge names `*`) stays as it is.
    """
    actions: defaultdict[str, set[str]] = defaultdict(set)
    for each in scopes:
        resource, _, wanted = each.rpartition(":")
        actions[resource or each] |= set(wanted.split(",")) if resource else set()
    return tuple(
        f"{resource}:{','.join(sorted(wanted))}" if wanted else resource
        for resource, wanted in sorted(actions.items())
    )
