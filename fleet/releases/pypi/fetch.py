"""Answers over HTTP that come whole and in time, or not at all."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx

from fleet.http.addresses import is_loopback
from fleet.http.blocking import Blocking
from fleet.http.document import parse_json
from fleet.http.errors import HttpError
from fleet.http.message import Call
from fleet.http.opening import open_http
from fleet.http.retry import RetryPolicy

_WHOLE_SECONDS = 120.0
_RETRY = RetryPolicy(attempts=3, first=2.0)


def open_client(
    opened: Callable[[], httpx.AsyncClient] = open_http, retry: RetryPolicy = _RETRY
) -> Blocking:
    """Return a client whose requests end within two minutes each, and are tried three times.

    :raises HttpError: if the certificates to trust or the proxy make no sense.
    """
    return Blocking(opened=opened, retry=retry, deadline=_WHOLE_SECONDS)


def fetched(url: str, client: Blocking, *, largest: int, accept: str = "*/*") -> bytes:
    """Return what ``url`` answers, of ``largest`` bytes at most.

    What may pass (no connection, 429, 5xx) is tried again.

    :raises HttpError: naming the URL and the reason.
    """
    parts = urlsplit(url)
    # Else somebody on the way could change the answer.
    if parts.scheme != "https" and (parts.scheme != "http" or not is_loopback(parts.netloc)):
        raise HttpError(f"{url[:200]} is not fetched: it is not an https:// address")
    call = Call(method="GET", url=url, headers={"Accept": accept}, limit=largest)
    answer = client.send(call)
    if answer.status != HTTPStatus.OK:
        raise HttpError(f"{url} can't be fetched: the answer is {answer.status}")
    return answer.body


def fetched_json(url: str, client: Blocking, *, largest: int, accept: str = "*/*") -> Any:
    """Return the JSON that ``url`` answers, of ``largest`` bytes at most.

    :raises HttpError: naming the URL and the reason, also where it is not sound JSON.
    """
    body = fetched(url, client, largest=largest, accept=accept)
    return parse_json(body, f"the answer of {url}")
