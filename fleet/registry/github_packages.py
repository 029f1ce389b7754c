"""GitHub's Packages REST API, as far as names in its container registry need it.

Paths, parameters and answers are those of GitHub's OpenAPI description, operations
`packages/*-package-version*`. A *version* there is a digest with all its tags.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from fleet.http import secret
from fleet.http.addresses import next_page, same_origin
from fleet.http.document import parse_json
from fleet.http.message import Call, Reply
from fleet.http.retry import Settled, unsettled
from fleet.http.text import one_line
from fleet.registry.client import Look
from fleet.registry.errors import RegistryError, UnsupportedRemovalError
from fleet.registry.reference import Repository
from fleet.registry.transport import Transport, unexpected

API = "FLEET_GITHUB_API"
HOSTS = "FLEET_GHCR_HOSTS"
TOKENS = ("FLEET_GITHUB_TOKEN", "GITHUB_TOKEN")
"""The token for the API in `FLEET_GITHUB_API`, and the one for that in `GITHUB_API_URL`."""
_GITHUB = "https://api.github.com"
_DELETE_SCOPE = "delete:packages"
_LIMIT = 16 * 1024 * 1024
_PAGES = 1000
_REMEDY = (
    f"set {TOKENS[0]} or {TOKENS[1]} to a token that may delete packages: a personal one with "
    "read:packages and delete:packages, or a workflow's own where the package gives its "
    "repository the role Admin"
)


@dataclass(frozen=True, kw_only=True)
class Version:
    """A digest of a package, with all tags that name it."""

    number: int
    digest: str
    tags: tuple[str, ...]


def is_ghcr(host: str, environment: Mapping[str, str]) -> bool:
    """Tell whether a host is GitHub's registry, or listed as one in `FLEET_GHCR_HOSTS`."""
    listed = environment.get(HOSTS, "").split(",")
    return host == "ghcr.io" or host in {entry.strip() for entry in listed if entry.strip()}


def _token(environment: Mapping[str, str], base: str) -> str:
    """Return the token that is for the API at `base`, '' where there is none.

    A workflow's own token is for the API that the runner names, and is sent to no other.

    :raises RegistryError: if it can't be sent as it is.
    """
    own = (environment.get("GITHUB_API_URL") or _GITHUB).rstrip("/")
    names = TOKENS if same_origin(own, base) else TOKENS[:1]
    name = next((name for name in names if environment.get(name)), "")
    return secret.token(environment[name], name) if name else ""


class Packages:
    """The packages that `FLEET_GITHUB_TOKEN` or `GITHUB_TOKEN` may see."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        environment = transport.environment
        self._base = (environment.get(API) or _GITHUB).rstrip("/")
        self._token = _token(environment, self._base)
        self._addresses: dict[Repository, str] = {}

    async def require(self, repository: Repository) -> None:
        """Check, without any write, that the package is there and its versions may be deleted.

        A token that names its scopes (X-OAuth-Scopes) must have that of deletion. For one that
        does not, only the deletion itself can tell.

        :raises UnsupportedRemovalError: if there is no token, or it may not do that.
        """
        await self._address(repository)

    async def versions(self, repository: Repository) -> AsyncIterator[Version]:
        """List the versions of a package page by page, in the order in which they come.

        :raises RegistryError: if a page cannot be read.
        """
        # The page size is not a parameter of the users' path: its default has to do there.
        address = await self._address(repository)
        following = f"{address}/versions" + ("?per_page=100" if "/orgs/" in address else "")
        for _ in range(_PAGES):
            reply = await self._send("GET", following)
            entries = _json(reply, following)
            if not isinstance(entries, list):
                raise RegistryError(f"GET {following}: GitHub's answer is not a list")
            for entry in entries:
                yield _version(entry, following)
            following = next_page(reply.headers, following)
            if not following:
                return
        raise RegistryError(f"GET {address}/versions: the pages never end")

    async def version(self, repository: Repository, number: int) -> Version | None:
        """Return one version as it is now, or None where it is gone."""
        address = f"{await self._address(repository)}/versions/{number}"
        reply = await self._send("GET", address, HTTPStatus.NOT_FOUND)
        if reply.status == HTTPStatus.NOT_FOUND:
            return None
        return _version(_json(reply, address), address)

    async def delete(self, repository: Repository, number: int, look: Look) -> None:
        """Delete a version with all its tags; GitHub can restore it for 30 days.

        `look` is awaited before a repetition of the request, after a wait of up to a minute: it
        raises where the version must not be deleted any more.

        :raises UnsupportedRemovalError: if the token may not do that.
        :raises RegistryError: if GitHub refuses, as it does for the last tagged version.
        """
        address = f"{await self._address(repository)}/versions/{number}"
        reply = await self._send("DELETE", address, HTTPStatus.NOT_FOUND, settled=look)
        if reply.status == HTTPStatus.NOT_FOUND:
            # GitHub answers 404 to those who may not know; one that is gone is told apart by
            # the tag itself.
            raise UnsupportedRemovalError(f"DELETE {address}: GitHub answered 404; {_REMEDY}")

    async def _address(self, repository: Repository) -> str:
        if repository not in self._addresses:
            self._addresses[repository] = await self._find(repository)
        return self._addresses[repository]

    async def _find(self, repository: Repository) -> str:
        """Return the address of the package, whoever owns it: an organisation or a user."""
        owner, _, name = repository.name.partition("/")
        if not name:
            raise UnsupportedRemovalError(
                f"{repository}: expected owner/name, as GitHub's packages have it"
            )
        if not self._token:
            raise UnsupportedRemovalError(
                f"{repository}: GitHub's registry deletes nothing itself, and for its Packages "
                f"API ({self._base}) there is no token; {_REMEDY}"
            )
        netloc = urlsplit(self._base).netloc
        if not f"{self._base}/".startswith(("https://", f"{self._transport.base(netloc)}/")):
            raise RegistryError(
                f"{API}: {self._base} is not an https:// address, and a token is sent to it"
            )
        for kind in ("orgs", "users"):
            # The slashes of a nested package are part of its name.
            address = f"{self._base}/{kind}/{owner}/packages/container/{quote(name, safe='')}"
            reply = await self._send("GET", address, HTTPStatus.NOT_FOUND)
            if reply.status == HTTPStatus.NOT_FOUND:
                continue
            scopes = reply.headers.get("X-OAuth-Scopes", _DELETE_SCOPE)
            if _DELETE_SCOPE not in {scope.strip() for scope in scopes.split(",")}:
                raise UnsupportedRemovalError(
                    f"{repository}: the token's scopes ({one_line(scopes) or 'none'}) lack "
                    f"{_DELETE_SCOPE}; {_REMEDY}"
                )
            return address
        raise UnsupportedRemovalError(
            f"{repository}: GitHub shows no such package to this token; {_REMEDY}"
        )

    async def _send(
        self, method: str, address: str, *also: int, settled: Settled = unsettled
    ) -> Reply:
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        call = Call(method=method, url=address, headers=headers, limit=_LIMIT)
        reply = await self._transport.send_as(call, f"Bearer {self._token}", settled)
        if reply.status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT, *also}:
            return reply
        if reply.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in reply.headers:
            raise RegistryError(f"{call.place}: GitHub's rate limit is used up; run again later")
        if reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise UnsupportedRemovalError(
                f"{call.place}: GitHub answered {reply.status}; {_REMEDY}"
            )
        raise unexpected(reply, call.place)


def _json(reply: Reply, address: str) -> Any:
    return parse_json(reply.body, f"GET {address}: GitHub's answer")


def _version(entry: Any, address: str) -> Version:
    try:
        tags = entry["metadata"]["container"]["tags"]
        return Version(
            number=int(entry["id"]),
            digest=str(entry["name"]),
            tags=tuple(str(tag) for tag in tags),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RegistryError(f"GET {address}: GitHub's answer is malformed") from error
