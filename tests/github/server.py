"""Serves the stand-in for GitHub on loopback, where a GitHub Enterprise Server has its API."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests import loopback
from tests.github.api import GitHub

_API = "/api/v3"


@contextmanager
def serving(github: GitHub) -> Iterator[str]:
    """Serve `github`; give the base URL that the plugin takes."""
    lock = threading.Lock()

    class Handler(_Handler):
        served = github
        turn = lock

    with loopback.serving(Handler, daemon_threads=True) as host:
        yield f"http://{host}/"


class _Handler(loopback.Handler):
    served: GitHub
    turn: threading.Lock

    def serve(self) -> None:
        content = self.body_of_request()
        path, _, query = self.path.partition("?")
        with self.turn:
            given = self.served.serve(
                self.command, path.removeprefix(_API), query, dict(self.headers), content
            )
        kind = {"Content-Type": "application/json; charset=utf-8"} if given.body else {}
        self.answer_with(given.status, given.body, {**given.headers, **kind})
