"""Ports for servers of tests: one that was given out is not given out again."""

import itertools
import os
import random
import socket
from collections.abc import Iterator

# Below what the kernel gives to outgoing connections (32768 and above, where nobody set another
# range): a port of those may be taken between this look and the start of a server, or while a
# server is stopped that is to come back. Each worker of pytest-xdist has a range of its own.
_FIRST, _SPAN = 12_000, 1_000


def _worker() -> int:
    name = os.environ.get("PYTEST_XDIST_WORKER", "")
    return int(name.removeprefix("gw") or 0)


def _ports() -> Iterator[int]:
    first = _FIRST + _SPAN * (_worker() % 16)
    begin = random.SystemRandom().randrange(_SPAN)  # another run of tests has the same ranges
    return itertools.cycle(first + (begin + number) % _SPAN for number in range(_SPAN))


_PORTS = _ports()


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    for port in itertools.islice(_PORTS, _SPAN):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no port is free of the {_SPAN} that this worker has")
