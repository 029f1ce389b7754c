"""One HTTP exchange: a deadline over all of it, and limits on what is read and followed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx

from fleet.http.addresses import resolve, same_origin
from fleet.http.errors import HttpError
from fleet.http.failures import failures
from fleet.http.message import Call, Reply

_REDIRECTS = 5
_FOLLOWED = frozenset({301, 302, 303, 307, 308})
_UNAUTHORIZED = 401
HEADERS_LIMIT = 64 * 1024
"""Bytes of names and values of an answer's headers; registries send some hundred."""


class Exchange:
    """Sends single requests; `deadline` in seconds spans connecting to the last byte."""

    def __init__(self, http: httpx.AsyncClient, *, deadline: float = 30.0) -> None:
        self.http = http
        self._deadline = deadline

    async def once(self, call: Call, authorization: str = "") -> Reply:
        """Send `call` once; a read follows redirects.

        :raises DeadlineError: if the answer is not complete in time, however it drips.
        :raises UnreachableError: if the connection fails.
        :raises HttpError: if the answer exceeds a limit, or cannot be read.
        """
        async with self.stream(call, authorization) as response:
            body = await _bounded(response, call)
            return Reply(status=response.status_code, headers=response.headers, body=body)

    @asynccontextmanager
    async def stream(self, call: Call, authorization: str = "") -> AsyncIterator[httpx.Response]:
        """Open an answer whose body the caller reads as a stream, and bounds.

        The call's deadline spans what the caller does with it. Errors are those of `once`.
        """
        deadline = call.deadline or self._deadline
        with failures(call.place, deadline):
            async with asyncio.timeout(deadline):
                response = await self._answer(call, authorization)
                try:
                    yield response
                finally:
                    await response.aclose()

    async def _answer(self, call: Call, authorization: str) -> httpx.Response:
        """Return the open answer at the end of all redirects.

        The authorization goes to the origin that was called, and to no other. A target that asks
        for one is not the server that was called, so its challenge is never answered.
        """
        asked = call
        for _ in range(_REDIRECTS + 1):
            own = same_origin(asked.url, call.url)
            response = await self._send(asked, authorization if own else "")
            location = response.headers.get("Location", "")
            if call.reads and response.status_code in _FOLLOWED and location:
                await response.aclose()
                asked = replace(asked, url=resolve(asked.url, location, asked.place))
                continue
            if response.status_code == _UNAUTHORIZED and not own:
                await response.aclose()
                raise HttpError(
                    f"{call.place}: the server leads to {httpx.URL(asked.url).host}, which asks "
                    "for credentials of its own; they are not sent there"
                )
            return response
        raise HttpError(f"{call.place}: the server redirects more than {_REDIRECTS} times")

    async def _send(self, call: Call, authorization: str) -> httpx.Response:
        headers = {**call.headers, "Accept-Encoding": "identity"}
        if authorization:
            headers["Authorization"] = authorization
        content = call.content() if callable(call.content) else call.content
        request = self.http.build_request(call.method, call.url, headers=headers, content=content)
        try:
            response = await self.http.send(request, stream=True, follow_redirects=False)
        except (httpx.InvalidURL, httpx.RemoteProtocolError) as error:
            # httpx reads the Location of each redirect, also where it is not to follow.
            if isinstance(error, httpx.InvalidURL) or "location header" in str(error):
                raise HttpError(
                    f"{call.place}: the server names something as its Location that is not an "
                    "address"
                ) from None
            raise
        if sum(len(name) + len(value) for name, value in response.headers.raw) > HEADERS_LIMIT:
            await response.aclose()
            raise HttpError(f"{call.place}: the answer's headers exceed {HEADERS_LIMIT} bytes")
        return response


async def _bounded(response: httpx.Response, call: Call) -> bytes:
    if not call.limit:
        return b""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > call.limit:
            raise HttpError(f"{call.place}: the answer exceeds {call.limit} bytes; refused")
    return bytes(body)
