"""Blobs of a registry that mounts none: how many are copied at once, and what a fault does."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus

import httpx

from providers.oci.client import Client
from providers.oci.exchange import open_http
from providers.oci.reference import Repository
from providers.oci.registry import Blob
from providers.oci.retry import RetryPolicy
from providers.oci.transport import Transport
from tests.providers.registry_fake import FakeRegistry, sha

SOURCE, TARGET = "team/app/build", "team/app"
BODIES = {sha(body): body for body in (f"layer {n}".encode() * 1000 for n in range(24))}


class Counting:
    """A registry that counts the copies under way: from a download's start to its upload's end."""

    def __init__(self) -> None:
        self.most = 0
        self.stored: dict[str, bytes] = {}
        self._open = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        digest = request.url.path.rpartition("/")[2]
        if request.method == "POST":
            return _answer(HTTPStatus.ACCEPTED)
        if request.method == "PUT":
            return await self._store(request)
        held = BODIES if f"/{SOURCE}/" in request.url.path else self.stored
        if digest not in held:
            return _answer(HTTPStatus.NOT_FOUND)
        if request.method == "GET":
            self._open += 1
            self.most = max(self.most, self._open)
        return _answer(HTTPStatus.OK, held[digest])

    async def _store(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        # Whoever else is free to go on does so first.
        for _ in range(1000):
            await asyncio.sleep(0)
        self.stored[sha(body)] = body
        self._open -= 1
        return _answer(HTTPStatus.CREATED)


def _answer(status: int, body: bytes = b"") -> httpx.Response:
    # Content that is not a stream counts as read.
    headers = {"Location": "/session"}
    return httpx.Response(status, headers=headers, content=_chunks(body))


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def copy_all(host: str, http: httpx.AsyncClient, environment: Mapping[str, str]) -> None:
    """Copy all blobs at once, by two clients of one process; the first fault is an error."""
    transport = Transport(http=http, environment=environment, retry=RetryPolicy(attempts=1))
    clients = Client(transport), Client(transport)
    source, target = Repository(host=host, name=SOURCE), Repository(host=host, name=TARGET)
    blobs = [Blob(digest=digest, size=len(body)) for digest, body in BODIES.items()]
    try:
        await asyncio.gather(
            *(clients[i % 2].transfer_blob(source, target, b) for i, b in enumerate(blobs))
        )
    finally:
        await transport.close()


def test_a_few_blobs_are_copied_at_once_whoever_asks() -> None:
    registry = Counting()
    http = httpx.AsyncClient(transport=httpx.MockTransport(registry))
    asyncio.run(copy_all("registry.example", http, {}))
    assert registry.stored == BODIES
    assert registry.most == 4


def test_no_copy_waits_for_a_connection(
    registry: FakeRegistry, environment: dict[str, str]
) -> None:
    registry.mount = False
    registry.repositories[SOURCE].blobs.update(BODIES)

    async def run() -> None:
        http = open_http()
        http.timeout = httpx.Timeout(60.0, pool=0.001)
        await copy_all(registry.host, http, environment)

    asyncio.run(run())
    assert registry.repositories[TARGET].blobs == BODIES
