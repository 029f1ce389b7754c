"""One HTTP exchange: a deadline over all of it, and a limit on what is read."""

import asyncio
import functools
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from providers.ociregistry.errors import DeadlineError, RegistryError

PARALLEL = 8
"""Requests under way at once, all registries together."""
COPIES = 4
"""Blobs that are copied at once besides; each holds a download while its upload goes on."""
# Nobody ever waits for a connection: downloads that took the last ones would wait for uploads
# that get none.
_CONNECTIONS = PARALLEL + 2 * COPIES


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request; `scopes` are the token scopes that it needs, `limit` bytes bound the answer."""

    method: str
    url: str
    scopes: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    limit: int = 64 * 1024

    @property
    def place(self) -> str:
        """Method and address without the query, for messages."""
        return f"{self.method} {self.url.partition('?')[0]}"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A complete answer."""

    status: int
    headers: httpx.Headers
    body: bytes


class Exchange:
    """Sends single requests; `deadline` in seconds spans connecting to the last byte."""

    def __init__(self, http: httpx.AsyncClient, *, deadline: float = 30.0) -> None:
        self.http = http
        self._deadline = deadline

    async def once(self, call: Call, authorization: str = "") -> Reply:
        """Send `call` once.

        :raises DeadlineError: if the answer is not complete in time, however it drips.
        :raises RegistryError: if the answer is larger than the call's limit.
        :raises httpx.TransportError: if the connection fails.
        """
        headers = {**call.headers, "Accept-Encoding": "identity"}
        if authorization:
            headers["Authorization"] = authorization
        try:
            async with asyncio.timeout(self._deadline):
                return await self._read(call, headers)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise DeadlineError(
                f"{call.place}: no complete answer within {self._deadline:g} s; "
                "check the registry and the network, then run again"
            ) from error

    async def _read(self, call: Call, headers: Mapping[str, str]) -> Reply:
        # Only reads follow redirects (to a blob store); httpx drops the Authorization header
        # when the origin changes.
        follow = call.method in {"GET", "HEAD"}
        request = self.http.build_request(
            call.method, call.url, headers=dict(headers), content=call.content
        )
        response = await self.http.send(request, stream=True, follow_redirects=follow)
        try:
            body = await _bounded(response, call)
        finally:
            await response.aclose()
        return Reply(status=response.status_code, headers=response.headers, body=body)


async def _bounded(response: httpx.Response, call: Call) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > call.limit:
            raise RegistryError(f"{call.place}: the answer exceeds {call.limit} bytes; refused")
    return bytes(body)


def open_http() -> httpx.AsyncClient:
    """Return a client that trusts the system's bundle, or `SSL_CERT_FILE` where that is set."""
    direct: dict[str, httpx.AsyncBaseTransport | None] = {
        "all://localhost": None,
        "all://127.0.0.1": None,
    }
    return httpx.AsyncClient(
        verify=_trust(),
        timeout=httpx.Timeout(60.0, connect=10.0),
        limits=httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
        mounts=direct,
        headers={"User-Agent": "image-fleet-oci/0.1"},
    )


@functools.cache
def _trust() -> ssl.SSLContext:
    # OpenSSL reads SSL_CERT_FILE here; httpx's own default would trust the bundle of certifi
    # instead of the system's. Reading a bundle takes longer than many requests: once a process.
    return ssl.create_default_context()
