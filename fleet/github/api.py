"""GitHub's REST API: one client for all commands, with deadlines and bounded patience."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import httpx

from fleet.console import TroubleError
from fleet.http import secret
from fleet.http.addresses import is_loopback, resolve
from fleet.http.blocking import Blocking
from fleet.http.document import MalformedError, parse_json
from fleet.http.errors import HttpError, UnreachableError
from fleet.http.message import Call, Reply
from fleet.http.opening import open_http
from fleet.http.retry import retry_after
from fleet.http.text import one_line

_DEADLINE = 30.0
_ATTEMPTS = 4
_LONGEST_WAIT = 120.0
_PAGES = 100
_LARGEST = 16 * 1024 * 1024
_RESET_DIGITS = 12
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
        opened: Callable[[], httpx.AsyncClient] = open_http,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        url = urlsplit(base)
        if url.scheme != "https" and not is_loopback(url.netloc):
            raise TroubleError(f"GITHUB_API_URL: {base} has no https://, and a token is sent to it")
        self._base = base.rstrip("/")
        self._sleep = sleep
        try:
            self._authorization = f"Bearer {secret.token(token, 'GITHUB_TOKEN')}" if token else ""
            self._client = Blocking(opened=opened, deadline=_DEADLINE)
        except HttpError as error:
            raise ApiError(str(error)) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Return what is at ``path``.

        :raises ApiError: for every answer but success.
        """
        return _body(*self._send("GET", self._base + path, query, None))

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
        return self._send("GET", self._base + path, None, None)[1].headers

    def pages(
        self, path: str, query: Mapping[str, str] | None = None, *, within: str = ""
    ) -> Iterator[Any]:
        """Yield the entries of a list over all its pages; ``within`` names its key in an object."""
        url, asked = self._base + path, {"per_page": "100", **(query or {})}
        given: Mapping[str, str] | None = asked
        for _ in range(_PAGES):
            call, answer = self._send("GET", url, given, None)
            found = _body(call, answer)
            yield from found[within] if within else found
            url, given = _next(call, answer), None
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
        return _body(*self._send(method, url, None, fields))

    def _send(
        self,
        method: str,
        url: str,
        query: Mapping[str, str] | None,
        fields: Mapping[str, Any] | None,
    ) -> tuple[Call, Reply]:
        call = _call(method, url, query, fields)
        for left in reversed(range(_ATTEMPTS)):
            try:
                answer = self._client.once(call, self._authorization)
            except HttpError as error:
                # Whether a write that got no answer was carried out is not known.
                if left and method == "GET" and isinstance(error, UnreachableError):
                    self._sleep(2.0 ** (_ATTEMPTS - left))
                    continue
                raise ApiError(f"no answer: {error}") from None
            wait = _wait(answer, method, _ATTEMPTS - left)
            if wait is None or not left:
                break
            self._sleep(wait)
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return call, answer
        raise ApiError(f"{call.place}: {answer.status} {_words(answer)}", answer.status)


def _call(
    method: str, url: str, query: Mapping[str, str] | None, fields: Mapping[str, Any] | None
) -> Call:
    headers = _HEADERS if fields is None else {**_HEADERS, "Content-Type": "application/json"}
    return Call(
        method=method,
        url=f"{url}?{urlencode(query)}" if query else url,
        headers=headers,
        content=None if fields is None else json.dumps(fields).encode(),
        limit=_LARGEST,
    )


def _wait(answer: Reply, method: str, attempt: int) -> float | None:
    """Return the seconds after which a request may be sent again, None where it must not."""
    limited = answer.status in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
    asked = retry_after(answer.headers.get("retry-after", ""), datetime.now(UTC))
    if limited and asked is not None:
        return asked if asked <= _LONGEST_WAIT else None
    if limited and answer.headers.get("x-ratelimit-remaining") == "0":
        wait = _until_reset(answer.headers.get("x-ratelimit-reset", ""))
        return max(wait, 1.0) if wait <= _LONGEST_WAIT else None
    if method == "GET" and answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return 2.0**attempt
    return None


def _until_reset(text: str) -> float:
    if text.isascii() and text.isdigit() and len(text) <= _RESET_DIGITS:
        return int(text) - time.time() + 1
    return _LONGEST_WAIT


def _body(call: Call, answer: Reply) -> Any:
    if not answer.body:
        return None
    try:
        return parse_json(answer.body, f"{call.place}: the answer")
    except MalformedError as error:
        raise ApiError(str(error)) from None


def _next(call: Call, answer: Reply) -> str:
    link = httpx.Response(200, headers=answer.headers).links.get("next", {}).get("url", "")
    try:
        return resolve(call.url, link, call.place) if link else ""
    except HttpError as error:
        raise ApiError(str(error)) from None


def _words(answer: Reply) -> str:
    """Return what GitHub gives as its reason, on one line."""
    try:
        found = parse_json(answer.body, "")
        text = " ".join([str(found["message"]), *map(str, found.get("errors", ()))])
    except (MalformedError, KeyError, TypeError, AttributeError):
        return next((known.phrase for known in HTTPStatus if known == answer.status), "")
    return f"({one_line(text)})"


def api_of(environment: Mapping[str, str] = os.environ) -> Api:
    """Return the API that a job's environment names, as its ``GITHUB_TOKEN`` may use it."""
    base = environment.get("GITHUB_API_URL") or "https://api.github.com"
    return Api(base, environment.get("GITHUB_TOKEN", ""))
