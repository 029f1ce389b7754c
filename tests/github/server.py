"""Serves the stand-in for GitHub on loopback, where a GitHub Enterprise Server has its API."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.github.api import GitHub

_API = "/api/v3"


@contextmanager
def serving(github: GitHub) -> Iterator[str]:
    """Serve `github`; give the base URL that the plugin takes."""
    lock = threading.Lock()

    class Handler(_Handler):
        served = github
        turn = lock

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: GitHub
    turn: threading.Lock
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement
    timeout = 5

    def log_message(self, *_: object) -> None:
        return

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _serve(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path, _, query = self.path.partition("?")
        with self.turn:
            given = self.served.serve(
                self.command, path.removeprefix(_API), query, dict(self.headers), content
            )
        self.send_response(given.status)
        for name, value in given.headers.items():
            self.send_header(name, value)
        if given.body:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        if given.status != 204:
            self.send_header("Content-Length", str(len(given.body)))
        self.end_headers()
        self.wfile.write(given.body)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815
