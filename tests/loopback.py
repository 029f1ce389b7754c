"""Servers on loopback by the standard library, and one request at a tenth of a client's price."""

import http.client
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Answered(NamedTuple):
    """The answer to a request; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes


def ask(
    host: str, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
) -> Answered:
    """Send one request as it is to `host:port` over plain HTTP."""
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request(method, path, body=body, headers=dict(headers))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answered(answer.status, found, answer.read())
    finally:
        connection.close()


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection, of every method by `serve`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement
    timeout = 5

    def serve(self) -> None:
        """Answer one request."""
        raise NotImplementedError

    def do_GET(self) -> None:
        self.serve()

    do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        return

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def body_of_request(self) -> bytes:
        """Return the body, whose length the client told."""
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def answer_with(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a whole answer; a length that is among the headers is sent as it is."""
        self.start_answer(status, body, headers)
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)

    def start_answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Send all of an answer but its body."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204 and "content-length" not in {name.lower() for name in headers}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()

    def reset(self) -> None:
        """End the connection with RST instead of FIN, which a zero linger time does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True


@contextmanager
def serving(handler: type[Handler], *, daemon_threads: bool = False) -> Iterator[str]:
    """Serve on a loopback port of `host:port` for as long as needed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = daemon_threads
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
