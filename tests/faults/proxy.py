"""A proxy before a registry that lets requests fail as networks and registries do."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from tests import loopback
from tests.engine.registries import Served
from tests.loopback import ask, serving

Kind = Literal[
    "status", "unauthorized", "reset", "reset-after", "truncate", "stall", "drip",
    "stale-list", "list", "other-body", "other-digest",
]  # fmt: skip
NOTHING = "sha256:" + "0" * 64
_UPLOAD = re.compile(r"/uploads/[^/?]+")
_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive", "date"})


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The fate of one request.

    `reset` and `status` happen before the registry saw the request, `reset-after` when it has
    carried it out. `truncate`, `other-body` and `other-digest` spoil its answer, `list` replaces
    it by `body`, and `stale-list` by the first answer to the same address.
    """

    kind: Kind
    status: int = 0
    retry_after: str = ""
    body: bytes = b""

    def __str__(self) -> str:
        return f"{self.kind} {self.status or ''}{self.body.decode()}".strip()


@dataclass
class Rule:
    """A fault for the next `times` requests that match, after `skip` that pass."""

    pattern: str
    fault: Fault
    times: int
    skip: int


@dataclass
class Rules:
    """Faults by pattern, for tests that name what fails."""

    entries: list[Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(
        self, pattern: str, kind: Kind, *, times: int = 1, skip: int = 0, **fields: Any
    ) -> None:
        """Let the next `times` requests fail whose `METHOD path` matches `pattern`."""
        fault = Fault(kind=kind, **fields)
        self.entries.append(Rule(pattern=pattern, fault=fault, times=times, skip=skip))

    def __call__(self, line: str) -> Fault | None:
        with self._lock:
            for rule in self.entries:
                if rule.times and re.search(rule.pattern, line):
                    if rule.skip:
                        rule.skip -= 1
                        continue
                    rule.times -= 1
                    return rule.fault
            return None


class Proxy:
    """The rule for a request, and the log of requests as `METHOD path`.

    `page` shortens the pages of tag lists; `logins` are what was sent to get tokens.
    """

    def __init__(self, upstream: Served, schedule: Callable[[str], Fault | None]) -> None:
        self.upstream = upstream
        self.schedule = schedule
        self.host = ""
        self.log: list[str] = []
        self.injected: list[tuple[str, Fault]] = []
        self.page = 0
        self.logins: set[str] = set()
        self.stopping = threading.Event()
        self.first_lists: dict[str, bytes] = {}
        self._lock = threading.Lock()

    @property
    def writes(self) -> list[str]:
        """Return the requests that may change something."""
        return [line for line in self.log if line.split()[0] in {"PUT", "POST", "PATCH", "DELETE"}]

    def note(self, line: str) -> Fault | None:
        """Record a request and return what is to happen to it."""
        with self._lock:
            self.log.append(line)
        fault = self.schedule(line)
        if fault is not None:
            self.injected.append((line, fault))
        return fault


@contextmanager
def proxied(upstream: Served, schedule: Callable[[str], Fault | None]) -> Iterator[Proxy]:
    """Serve a proxy on a loopback port for as long as needed."""
    made = Proxy(upstream, schedule)

    class Handler(_Handler):
        proxy = made

    with serving(Handler) as made.host:
        try:
            yield made
        finally:
            made.stopping.set()


@dataclass
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class _Handler(loopback.Handler):
    proxy: Proxy
    timeout = 2

    def serve(self) -> None:
        body = self._body()
        if urlsplit(self.path).path == "/proxy/token":
            self.proxy.logins.add(self.headers.get("Authorization", ""))
            token = json.dumps({"token": "renewed", "expires_in": 300}).encode()
            self._send(_Answer(200, {}, token))
            return
        line = _UPLOAD.sub("/uploads/_", f"{self.command} {urlsplit(self.path).path}")
        fault = self.proxy.note(line)
        if fault is None:
            self._send(self._forward(body))
        elif not self._refuse(fault):
            self._spoil(fault, self._forward(body))

    def _refuse(self, fault: Fault) -> bool:
        """Let the request fail before the registry sees it; tell whether that was the fault."""
        if fault.kind == "status":
            retry = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            self._send(_Answer(fault.status, retry, b'{"errors":[]}'))
        elif fault.kind == "unauthorized":
            challenge = f'Bearer realm="http://{self.proxy.host}/proxy/token",service="proxy"'
            self._send(_Answer(401, {"WWW-Authenticate": challenge}, b""))
        elif fault.kind == "reset":
            self.reset()
        elif fault.kind == "stall":
            self.proxy.stopping.wait(2)
            self.close_connection = True
        else:
            return False
        return True

    def _spoil(self, fault: Fault, answer: _Answer) -> None:
        if fault.kind == "reset-after":
            self.reset()
        elif fault.kind == "truncate":
            self._truncate(answer)
        elif fault.kind == "drip":
            self._drip(answer)
        elif fault.kind == "list":
            self._send(_Answer(200, {"Content-Type": "application/json"}, fault.body))
        elif fault.kind == "stale-list":
            stale = self.proxy.first_lists.get(self.path, answer.body)
            self._send(_Answer(answer.status, answer.headers, stale))
        elif fault.kind == "other-body":
            self._send(_Answer(answer.status, answer.headers, b'{"schemaVersion":2}'))
        else:
            headers = {**answer.headers, "docker-content-digest": NOTHING}
            self._send(_Answer(answer.status, headers, answer.body))

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._chunk, b""))
        return self.body_of_request()

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        content = self.rfile.read(size)
        self.rfile.readline()
        return content

    def _forward(self, body: bytes) -> _Answer:
        # The Host header stays: the registry builds upload addresses from it.
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
        headers["Content-Length"] = str(len(body))
        path = self.path
        if self.proxy.page and path.split("?")[0].endswith("/tags/list"):
            path = re.sub(r"\bn=[0-9]+", f"n={self.proxy.page}", path)
        answer = ask(self.proxy.upstream.host, self.command, path, headers, body)
        kept = {name: value for name, value in answer.headers.items() if name not in _HOP}
        if self.command == "HEAD":
            kept["content-length"] = answer.headers.get("content-length") or "0"
        if self.path.split("?")[0].endswith("/tags/list") and answer.status == 200:
            self.proxy.first_lists.setdefault(self.path, answer.content)
        return _Answer(answer.status, kept, answer.content)

    def _send(self, answer: _Answer) -> None:
        self.answer_with(answer.status, answer.body, answer.headers)

    def _truncate(self, answer: _Answer) -> None:
        if self.command == "HEAD" or not answer.body:
            self.reset()
            return
        self.start_answer(answer.status, answer.body, answer.headers)
        self.wfile.write(answer.body[: len(answer.body) // 2])
        self.close_connection = True

    def _drip(self, answer: _Answer) -> None:
        body = answer.body or b"x" * 1000
        self.start_answer(200, body, {})
        for position in range(len(body)):
            self.wfile.write(body[position : position + 1])
            if self.proxy.stopping.wait(0.05):
                return
