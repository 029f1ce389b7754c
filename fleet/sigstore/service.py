"""Requests to the services that a keyless signature needs: JSON out, and a bounded answer back."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from fleet.evidence.errors import EvidenceError
from fleet.http.addresses import is_loopback
from fleet.http.document import MalformedError, parse_json
from fleet.http.exchange import Exchange
from fleet.http.message import Call, Reply
from fleet.http.retry import RetryPolicy
from fleet.http.text import one_line

_LIMIT = 16 * 1024 * 1024  # an entry of the log holds no more than what was sent
_SHOWN = 300


class Service:
    """Sends requests to services that each have an address of their own."""

    def __init__(self, exchange: Exchange, retry: RetryPolicy) -> None:
        self._exchange = exchange
        self._retry = retry

    async def get(self, url: str, bearer: str) -> Any:
        """Return the JSON that is at `url` for who bears a token."""
        call = Call(method="GET", url=url, headers={"Accept": "application/json"})
        return _json(call, await self._answer(call, bearer))

    async def post(self, url: str, fields: Mapping[str, Any], bearer: str = "") -> Any:
        """Send `fields` to `url` and return the JSON of the answer."""
        call = _post(url, fields)
        return _json(call, await self._answer(call, bearer))

    async def post_for_bytes(self, url: str, fields: Mapping[str, Any]) -> bytes:
        """Send `fields` to `url` and return the answer as it is."""
        return (await self._answer(_post(url, fields), "")).body

    async def _answer(self, call: Call, bearer: str) -> Reply:
        """Return a final answer of success.

        :raises EvidenceError: if the service refuses.
        :raises fleet.http.errors.HttpError: if it can't be reached.
        """
        parts = urlsplit(call.url)
        if parts.scheme != "https" and not is_loopback(parts.netloc):
            raise EvidenceError(
                f"{call.place}: is not an https:// address, and a secret is sent to it"
            )
        authorization = f"Bearer {bearer}" if bearer else ""
        reply = await self._retry.run(lambda: self._exchange.once(call, authorization), call.place)
        if reply.status not in range(200, 300):
            raise EvidenceError(f"{call.place}: refused, {reply.status}{_message(reply)}")
        return reply


def _post(url: str, fields: Mapping[str, Any]) -> Call:
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    content = json.dumps(fields, separators=(",", ":")).encode()
    return Call(method="POST", url=url, headers=headers, content=content, limit=_LIMIT)


def _message(reply: Reply) -> str:
    """Return what a service gives as its reason, and nothing that may be what it was sent."""
    try:
        return f" ({one_line(str(parse_json(reply.body, '')['message']))[:_SHOWN]})"
    except (MalformedError, KeyError, TypeError):
        return ""


def _json(call: Call, reply: Reply) -> Any:
    try:
        return parse_json(reply.body, f"{call.place}: the answer")
    except MalformedError as error:
        raise EvidenceError(str(error)) from error
