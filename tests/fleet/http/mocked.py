"""Clients whose answers a function gives, as unread streams like those of a server."""

from collections.abc import AsyncIterator, Callable

import httpx


def mocked(handler: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    """Return a client that asks `handler` instead of the network."""

    def answer(request: httpx.Request) -> httpx.Response:
        found = handler(request)
        return httpx.Response(
            found.status_code, headers=found.headers, content=_streamed(found.content)
        )

    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


async def _streamed(body: bytes) -> AsyncIterator[bytes]:
    yield body
