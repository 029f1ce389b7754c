"""Requests to a registry: authenticated, retried, and bounded in number."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Self
from urllib.parse import urlsplit

import httpx

from fleet.http.addresses import same_origin
from fleet.http.exchange import Exchange
from fleet.http.message import Call, Reply
from fleet.http.opening import open_http
from fleet.http.retry import TRANSIENT, RetryPolicy, Settled, failing, unsettled
from fleet.http.text import one_line
from fleet.registry.auth import Authenticator
from fleet.registry.errors import AuthenticationError, RegistryError
from fleet.registry.interruption import to_its_end
from fleet.registry.login import NO_LOGINS, Logins

PARALLEL = 8
"""Requests under way at once to one host: one that answers late keeps no other waiting."""
COPIES = 4
"""Blobs that are copied at once to one host besides; each holds a download meanwhile."""

UNAUTHORIZED = 401
_DENIED = frozenset({401, 403})
_SERVER_ERRORS = 500


def plain_hosts(environment: Mapping[str, str]) -> frozenset[str]:
    """Return the registries in `FLEET_PLAIN_HTTP`, which are spoken to without TLS."""
    listed = environment.get("FLEET_PLAIN_HTTP", "").split(",")
    return frozenset(host.strip() for host in listed if host.strip())


class Transport:
    """Sends calls to registries; `plain` hosts are spoken to without TLS.

    A context closes its connections.
    """

    def __init__(
        self,
        *,
        http: httpx.AsyncClient | None = None,
        environment: Mapping[str, str] = os.environ,
        retry: RetryPolicy | None = None,
        deadline: float = 30.0,
        logins: Logins = NO_LOGINS,
    ) -> None:
        # Nobody ever waits for a connection: downloads that took the last ones would wait for
        # uploads that get none. Both kinds of slots bound their number.
        self.http = http or open_http(connections=None)
        self.environment = environment
        self.retry = retry or RetryPolicy()
        self._plain = plain_hosts(environment)
        self._exchange = Exchange(self.http, deadline=deadline)
        self._auth = Authenticator(self._send_plain, environment, logins)
        self._slots = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(PARALLEL))
        self.copies = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(COPIES))
        """Held by each copy of a blob, by the host that it goes to, whoever asks for it."""

    def base(self, host: str) -> str:
        """Return `scheme://host` of a registry."""
        return f"http://{host}" if host in self._plain else f"https://{host}"

    async def send(self, call: Call, settled: Settled = unsettled) -> Reply:
        """Send `call` with retries and at most one re-authentication a try.

        A HEAD that is answered 401 without a challenge is returned: some registries challenge a
        GET alone.

        :raises AuthenticationError: if the registry still answers 401 or answers 403.
        :raises RegistryError: if it cannot be reached, or never stops failing.
        """
        reply = await self.retry.run(
            lambda: self._authenticated(call, settled), call.place, settled
        )
        challenged = reply.status != UNAUTHORIZED or "WWW-Authenticate" in reply.headers
        if call.method != "HEAD" or challenged:
            refuse_denied(reply, call.place)
        return reply

    async def send_as(self, call: Call, authorization: str, settled: Settled = unsettled) -> Reply:
        """Send `call` with retries under an Authorization of its own; every status is returned.

        :raises RegistryError: if the host cannot be reached, or never stops failing.
        """

        async def send() -> Reply:
            async with self._slots[_host(call)]:
                return await self._once(call, authorization)

        return await self.retry.run(send, call.place, settled)

    def download(self, call: Call) -> AbstractAsyncContextManager[httpx.Response]:
        """Open the answer to `call` as a stream, sent once under the authorization known so far."""
        return self._exchange.stream(call, self._known(call))

    async def upload(self, call: Call) -> Reply:
        """Send `call` once, whose content is a stream, under the authorization known so far."""
        return await self._exchange.once(call, self._known(call))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self.http.aclose()

    def _known(self, call: Call) -> str:
        """Return the authorization to send at once; none where the owner did not ask for `call`."""
        return "" if _is_elsewhere(call) else self._auth.current(call)

    async def _once(self, call: Call, authorization: str) -> Reply:
        """Send a call, and wait for the answer to a write though the task is cancelled meanwhile.

        Cut off, a write could take effect after those who put things right have looked.
        """
        sending = self._exchange.once(call, authorization)
        return await (sending if call.reads else to_its_end(sending))

    async def _authenticated(self, call: Call, settled: Settled) -> Reply:
        async with self._slots[_host(call)]:
            known = self._known(call)
            reply = await self._once(call, known)
            if reply.status != UNAUTHORIZED:
                return reply
            if _is_elsewhere(call):
                raise RegistryError(
                    f"{call.place}: {call.owner} leads to this address, which asks for credentials "
                    "of its own; they are not sent there"
                )
            challenges = reply.headers.get_list("WWW-Authenticate")
            if not challenges:
                return reply
            renewed = await self._auth.renew(call, challenges, known)
        # A token may have taken a wait as well.
        if (done := await settled()) is not None:
            return done
        async with self._slots[_host(call)]:
            return await self._once(call, renewed)

    async def _send_plain(self, call: Call, authorization: str) -> Reply:
        # The request that needs the token is tried again as a whole, so this multiplies.
        retry = replace(self.retry, attempts=2)
        return await retry.run(lambda: self._exchange.once(call, authorization), call.place)


def _host(call: Call) -> str:
    return urlsplit(call.url).netloc


def _is_elsewhere(call: Call) -> bool:
    """Tell whether a server led to the call's address, and it is not that server's own."""
    return bool(call.owner) and not same_origin(call.url, call.owner)


def refuse_denied(reply: Reply, place: str) -> None:
    """Raise where credentials were refused.

    :raises AuthenticationError: on 401 and 403.
    """
    if reply.status in _DENIED:
        raise AuthenticationError(
            f"{place}: the registry answered {reply.status}; check the credentials and that they "
            "may read and write this repository"
        )


def in_effect(status: int) -> Reply:
    """Return the answer for a write that was found to have taken effect."""
    return Reply(status=status, headers=httpx.Headers(), body=b"")


def unexpected(reply: Reply, place: str) -> RegistryError:
    """Return the error for a status that nothing was prepared for, with the registry's words.

    Of a status that may pass by itself it is a `FailingError`.
    """
    words = one_line(reply.body)
    text = f"{place}: the registry answered {reply.status}{f': {words}' if words else ''}"
    passing = reply.status in TRANSIENT or reply.status >= _SERVER_ERRORS
    return failing(reply.status, text) if passing else RegistryError(text)
