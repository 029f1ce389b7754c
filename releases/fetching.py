"""Answers over HTTP that come whole and in time, or not at all."""

import time

import httpx

_STALL_SECONDS = 30.0
_WHOLE_SECONDS = 120.0
_TRIES = 3
_TOO_MANY = 429
_SERVER_ERROR = 500


class FetchError(Exception):
    """Something could not be fetched: the server is away, refuses, drips, or sends too much."""


def fetched(url: str, client: httpx.Client, *, largest: int, accept: str = "*/*") -> bytes:
    """Return what ``url`` answers, of ``largest`` bytes at most, within two minutes a try.

    What may pass (no connection, 429, 5xx) is tried three times.

    :raises FetchError: naming the URL and the reason.
    """
    if not url.startswith("https://"):
        raise FetchError(f"{url[:200]} is not fetched: it is no https:// address")
    for tried in range(1, _TRIES + 1):
        try:
            return _once(url, client, largest, accept)
        except httpx.HTTPError as error:
            if tried == _TRIES or not _may_pass(error):
                raise FetchError(f"{url} can't be fetched: {_words(error)}") from None
        time.sleep(tried)
    raise AssertionError  # the last try has returned or raised


def _once(url: str, client: httpx.Client, largest: int, accept: str) -> bytes:
    ends = time.monotonic() + _WHOLE_SECONDS
    body = bytearray()
    headers = {"Accept": accept}
    with client.stream("GET", url, headers=headers, timeout=_STALL_SECONDS) as answer:
        answer.raise_for_status()
        for chunk in answer.iter_bytes():
            body += chunk
            if len(body) > largest:
                raise FetchError(f"{url} answers more than the {largest} bytes that are read of it")
            if time.monotonic() > ends:
                raise FetchError(f"{url} did not answer whole within {_WHOLE_SECONDS:.0f} s")
    return bytes(body)


def _may_pass(error: httpx.HTTPError) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        status = error.response.status_code
        return status == _TOO_MANY or status >= _SERVER_ERROR
    return True


def _words(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"the answer is {error.response.status_code}"
    return str(error) or type(error).__name__
