"""Connections within the network of a container."""

import ctypes
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_NETWORK = 0x4000_0000  # sched.h, CLONE_NEWNET


class Connection(HTTPConnection):
    """An HTTP connection to a port of the loopback address that the process ``pid`` sees.

    It comes from the address ``peer``, which is one of that network too.
    """

    def __init__(self, pid: int, port: int, peer: str = "127.0.0.1") -> None:
        super().__init__("127.0.0.1", port, timeout=60)
        self._pid, self._peer = pid, peer

    def connect(self) -> None:
        # A thread of its own: a thread's network can be changed, and this one ends right after.
        with ThreadPoolExecutor(max_workers=1) as thread:
            self.sock = thread.submit(self._connected).result()

    def _connected(self) -> socket.socket:
        with Path(f"/proc/{self._pid}/ns/net").open() as network:
            if _LIBC.setns(network.fileno(), _NEW_NETWORK):
                error = ctypes.get_errno()
                raise OSError(error, os.strerror(error))
        return socket.create_connection((self.host, self.port), self.timeout, (self._peer, 0))
