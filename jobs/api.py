"""GitHub's REST API: one client for all commands, with deadlines and bounded patience."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from local.say import TroubleError

_DEADLINE = 30.0
_ATTEMPTS = 4
_LONGEST_WAIT = 120.0
_PAGES = 100
_LOOPBACK = ("localhost", "127.0.0.1")
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class ApiError(TroubleError):
    """GitHub refused a request; ``status`` is that of HTTP, 0 where no answer came."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class Api:
    """The API at ``base`` as ``token`` may use it."""

    def __init__(
        self,
        base: str,
        token: str,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        url = urlsplit(base)
        if url.scheme != "https" and url.hostname not in _LOOPBACK:
            raise TroubleError(f"GITHUB_API_URL: {base} has no https://, and a token is sent to it")
        headers = {**_HEADERS, "Authorization": f"Bearer {token}"} if token else _HEADERS
        self._base = base.rstrip("/")
        self._sleep = sleep
        self._client = httpx.Client(headers=headers, timeout=_DEADLINE, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Return what is at ``path``.

        :raises ApiError: for every answer but success.
        """
        return _body(self._send("GET", self._base + path, query, None))

    def find(self, path: str) -> Any:
        """Return what is at ``path``, or None where there is nothing."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return None

    def head(self, path: str) -> Mapping[str, str]:
        """Return the headers of the answer to a GET of ``path``."""
        return self._send("GET", self._base + path, None, None).headers

    def pages(
        self, path: str, query: Mapping[str, str] | None = None, *, within: str = ""
    ) -> Iterator[Any]:
        """Yield the entries of a list over all its pages; ``within`` names its key in an object."""
        url, asked = self._base + path, {"per_page": "100", **(query or {})}
        given: Mapping[str, str] | None = asked
        for _ in range(_PAGES):
            answer = self._send("GET", url, given, None)
            found = _body(answer)
            yield from found[within] if within else found
            url, given = answer.links.get("next", {}).get("url", ""), None
            if not url:
                return
            if not url.startswith(f"{self._base}/"):
                raise ApiError(f"GET {path}: the list goes on at another host; refused")
        raise ApiError(f"GET {path}: over {_PAGES} pages")

    def send(self, method: str, path: str, fields: Mapping[str, Any] | None = None) -> Any:
        """Send ``fields`` and return the answer's body, None where it has none.

        :raises ApiError: for every answer but success.
        """
        url = path if path.startswith(("https://", "http://")) else self._base + path
        return _body(self._send(method, url, None, fields))

    def _send(
        self,
        method: str,
        url: str,
        query: Mapping[str, str] | None,
        fields: Mapping[str, Any] | None,
    ) -> httpx.Response:
        for left in reversed(range(_ATTEMPTS)):
            try:
                answer = self._client.request(method, url, params=query, json=fields)
            except httpx.TransportError as error:
                # Whether a write that got no answer was carried out is not known.
                if left and method == "GET":
                    self._sleep(2.0 ** (_ATTEMPTS - left))
                    continue
                raise ApiError(f"{method} {url}: no answer ({error})") from error
            wait = _wait(answer, method, _ATTEMPTS - left)
            if wait is None or not left:
                break
            self._sleep(wait)
        if answer.is_success:
            return answer
        raise ApiError(f"{method} {url}: {answer.status_code} {_said(answer)}", answer.status_code)


def _wait(answer: httpx.Response, method: str, attempt: int) -> float | None:
    """Return the seconds after which a request may be sent again, None where it must not."""
    limited = answer.status_code in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
    told = answer.headers.get("retry-after", "")
    if limited and told.isdigit():
        return float(told) if float(told) <= _LONGEST_WAIT else None
    if limited and answer.headers.get("x-ratelimit-remaining") == "0":
        reset = answer.headers.get("x-ratelimit-reset", "")
        wait = float(reset) - time.time() + 1 if reset.isdigit() else _LONGEST_WAIT
        return max(wait, 1.0) if wait <= _LONGEST_WAIT else None
    if method == "GET" and answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return 2.0**attempt
    return None


def _body(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError as error:
        place = f"{answer.request.method} {answer.request.url}"
        raise ApiError(f"{place}: the answer is truncated or no JSON") from error


def _said(answer: httpx.Response) -> str:
    try:
        found = answer.json()
        text = " ".join([str(found["message"]), *map(str, found.get("errors", ()))])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
    return f"({text})"


def api_of(environment: Mapping[str, str] = os.environ) -> Api:
    """Return the API that a job's environment names, as its ``GITHUB_TOKEN`` may use it."""
    base = environment.get("GITHUB_API_URL") or "https://api.github.com"
    return Api(base, environment.get("GITHUB_TOKEN", ""))
