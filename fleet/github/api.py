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
from fleet.http.addresses import is_loopback, next_page
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
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_LIMITED = (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)


class ApiError(HttpError):
    """GitHub refused a request; ``status`` is that of HTTP, 0 where its answer made no sense."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class Api:
    """The API at ``base`` as ``token`` may use it; all its methods raise `HttpError`.

    An answer other than success is an `ApiError`.
    """

    def __init__(
        self,
        base: str,
        token: str,
        *,
        graphql: str = "",
        opened: Callable[[], httpx.AsyncClient] = open_http,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = base.rstrip("/")
        self._graphql = graphql or f"{self._base}/graphql"
        for name, url in (("GITHUB_API_URL", base), ("GITHUB_GRAPHQL_URL", self._graphql)):
            parts = urlsplit(url)
            if parts.scheme != "https" and not is_loopback(parts.netloc):
                raise TroubleError(
                    f"{name}: {url} is not an https:// address, and a token is sent to it"
                )
        self._sleep = sleep
        self._authorization = f"Bearer {secret.token(token, 'GITHUB_TOKEN')}" if token else ""
        self._client = Blocking(opened=opened, deadline=_DEADLINE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Return what is at ``path``."""
        return _body(*self._send("GET", _address(self._base + path, query)))

    def find(self, path: str, *, hidden: bool = False) -> Any:
        """Return what is at ``path``, or None where there is nothing.

        With ``hidden``, None also where the token may not know.
        """
        try:
            return self.get(path)
        except ApiError as error:
            unknown = {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN if hidden else None}
            if error.status not in unknown:
                raise
            return None

    def head(self, path: str) -> Mapping[str, str]:
        """Return the headers of the answer to a GET of ``path``."""
        return self._send("GET", self._base + path)[1].headers

    def pages(
        self, path: str, query: Mapping[str, str] | None = None, *, within: str = ""
    ) -> Iterator[Any]:
        """Yield the entries of a list over all its pages; ``within`` names its key in an object."""
        url = _address(self._base + path, {"per_page": "100", **(query or {})})
        for _ in range(_PAGES):
            call, answer = self._send("GET", url)
            found = _body(call, answer)
            yield from found[within] if within else found
            url = next_page(answer.headers, call.url)
            if not url:
                return
        raise ApiError(f"GET {path}: over {_PAGES} pages")

    def send(self, method: str, path: str, fields: Mapping[str, Any] | None = None) -> Any:
        """Send ``fields`` and return the answer's body, None where it has none."""
        return _body(*self._send(method, self._base + path, fields))

    def mutate(self, mutation: str, **variables: str) -> str:
        """Run a mutation of GraphQL; return what GitHub has against it, empty where it was done."""
        fields = {"query": mutation, "variables": variables}
        answer = _body(*self._send("POST", self._graphql, fields))
        return "; ".join(str(error.get("message")) for error in answer.get("errors") or ())

    def _send(
        self, method: str, url: str, fields: Mapping[str, Any] | None = None
    ) -> tuple[Call, Reply]:
        content = None if fields is None else json.dumps(fields).encode()
        kind = {} if content is None else {"Content-Type": "application/json"}
        headers = {**_HEADERS, **kind}
        call = Call(method=method, url=url, headers=headers, content=content, limit=_LARGEST)
        for attempt in range(1, _ATTEMPTS + 1):
            outcome: Reply | UnreachableError
            try:
                outcome = self._client.once(call, self._authorization)
            except UnreachableError as error:
                outcome = error
            wait = _wait(outcome, method, attempt)
            if wait is None or attempt == _ATTEMPTS:
                break
            self._sleep(wait)
        if isinstance(outcome, UnreachableError):
            raise outcome
        if outcome.status not in range(200, 300):
            raise ApiError(f"{call.place}: {outcome.status} {_words(outcome)}", outcome.status)
        return call, outcome


def _address(url: str, query: Mapping[str, str] | None) -> str:
    return f"{url}?{urlencode(query)}" if query else url


def _wait(outcome: Reply | UnreachableError, method: str, attempt: int) -> float | None:
    """Return the seconds after which a request may be sent again, None where it must not."""
    if isinstance(outcome, Reply) and outcome.status in _LIMITED:
        asked = retry_after(outcome.headers.get("retry-after", ""), datetime.now(UTC))
        return asked if asked is not None and asked <= _LONGEST_WAIT else None
    failed = isinstance(outcome, UnreachableError) or outcome.status >= 500  # noqa: PLR2004 - HTTP
    # Whether a write that got no answer was carried out is not known.
    return 2.0**attempt if failed and method == "GET" else None


def _body(call: Call, answer: Reply) -> Any:
    return parse_json(answer.body, f"{call.place}: the answer") if answer.body else None


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
    graphql = environment.get("GITHUB_GRAPHQL_URL", "")
    return Api(base, environment.get("GITHUB_TOKEN", ""), graphql=graphql)
