"""A loopback proxy that takes CONNECT and leads every tunnel to one port."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.fleet.http.serving import Connection, Server, serving


@contextmanager
def proxying(port: int) -> Iterator[Server]:
    """Serve as a proxy whose tunnels all end at `port` of this machine."""

    def tunnel(connection: Connection) -> None:
        if not connection.head.startswith("CONNECT "):
            connection.answer(405)
            return
        with socket.create_connection(("127.0.0.1", port), timeout=10) as target:
            connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_pump, args=(target, connection.channel))
            back.start()
            _pump(connection.channel, target)
            back.join()

    with serving(tunnel) as server:
        yield server


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
