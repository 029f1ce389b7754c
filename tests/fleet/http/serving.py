"""A small loopback server that answers with whatever bytes a test gives it."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Handler = Callable[["Connection"], None]


@dataclass
class Connection:
    """One request: its head, and the way back."""

    head: str
    channel: socket.socket
    stopping: threading.Event

    @property
    def path(self) -> str:
        return self.head.split(" ", 2)[1]

    def header(self, name: str) -> str:
        for line in self.head.splitlines()[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return ""

    def send(self, data: bytes) -> None:
        self.channel.sendall(data)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        fields = {"Content-Length": str(len(body)), "Connection": "close", **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self.send("\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode() + body)

    def drip(self, data: bytes, seconds: float) -> None:
        """Send one byte at a time until the client or the test has enough."""
        for byte in data:
            if self.stopping.wait(seconds):
                return
            self.send(bytes([byte]))


@dataclass
class Server:
    """The address of a server, and the head of each request."""

    port: int
    heads: list[str] = field(default_factory=list)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def _secured(plain: socket.socket, context: ssl.SSLContext | None) -> socket.socket:
    plain.settimeout(10)
    return context.wrap_socket(plain, server_side=True) if context else plain


@contextmanager
def serving(handler: Handler, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve one request per connection by `handler` on a free port of 127.0.0.1."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    server = Server(port=listener.getsockname()[1])
    stopping, threads = threading.Event(), list[threading.Thread]()

    def one(plain: socket.socket) -> None:
        with plain, suppress(OSError), _secured(plain, context) as channel:
            head = b""
            while b"\r\n\r\n" not in head and (chunk := channel.recv(65536)):
                head += chunk
            text = head.partition(b"\r\n\r\n")[0].decode()
            server.heads.append(text)
            handler(Connection(head=text, channel=channel, stopping=stopping))

    def accept() -> None:
        while not stopping.is_set():
            with suppress(TimeoutError):
                channel, _ = listener.accept()
                threads.append(threading.Thread(target=one, args=(channel,)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield server
    finally:
        stopping.set()
        accepting.join()
        for thread in threads:
            thread.join()
        listener.close()
