"""OSV's service on loopback, as google.github.io/osv.dev/api describes it.

``POST /v1/querybatch`` answers one result for each query, with identifiers alone, and a token where
there is more; ``GET /v1/vulns/ID`` answers the record. Faults take the place of answers in turn.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fleet.http.blocking import Blocking
from fleet.http.opening import open_http
from fleet.http.retry import RetryPolicy
from tests.loopback import Handler, serving

Fault = Callable[[Handler], None]


@dataclass
class Service:
    """The known records: by the key of a query, identifiers in pages; and records by identifier.

    A query's key is its package URL, or ``ecosystem name version``.
    """

    pages: dict[str, list[list[str]]] = field(default_factory=dict)
    records: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault | None] = field(default_factory=list)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/v1/querybatch":
            queries = json.loads(body)["queries"]
            self.asked.append((path, queries))
            return 200, {"results": [self._result(each) for each in queries]}
        self.asked.append((path, None))
        found = self.records.get(path.removeprefix("/v1/vulns/"))
        return (200, found) if found else (404, {"code": 5, "message": "Bug not found."})

    def _result(self, query: Mapping[str, Any]) -> dict[str, Any]:
        package = query["package"]
        key = package.get("purl") or f"{package['ecosystem']} {package['name']} {query['version']}"
        pages, at = self.pages.get(key, []), int(query.get("page_token", "0"))
        if not pages:
            return {}
        vulns = [{"id": name, "modified": "2026-11-01T00:00:00Z"} for name in pages[at]]
        more = {"next_page_token": str(at + 1)} if at + 1 < len(pages) else {}
        return {"vulns": vulns, **more}


@contextmanager
def served(service: Service) -> Iterator[Service]:
    """Serve it."""

    class Answers(Handler):
        def serve(self) -> None:
            body = self.body_of_request()
            if service.faults and (fault := service.faults.pop(0)):
                fault(self)
                return
            status, values = service.answer(self.path, body)
            self.answer_with(status, json.dumps(values).encode(), {})

    with serving(Answers) as place:
        service.url = f"http://{place}"
        yield service


def client(waits: list[float] | None = None, deadline: float = 5.0) -> Blocking:
    """Return a client that tries three times without a pause."""

    async def sleep(seconds: float) -> None:
        (waits if waits is not None else []).append(seconds)

    policy = RetryPolicy(attempts=3, sleep=sleep)
    return Blocking(opened=open_http, retry=policy, deadline=deadline)


def status(code: int, **headers: str) -> Fault:
    """A fault: an answer of this status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.answer_with(code, b"{}", named)


def body(text: bytes) -> Fault:
    """A fault: an answer of this text."""
    return lambda handler: handler.answer_with(200, text, {})


def lost(handler: Handler) -> None:
    """Lose the connection."""
    handler.reset()


def silent(handler: Handler) -> None:
    """Answer too late."""
    time.sleep(0.4)
    handler.reset()
