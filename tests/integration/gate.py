"""A step of a build that waits until the test has acted."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.integration.workshop import IMAGE, Workshop

_LIMIT_SECONDS = 600


class Gate:
    """Lets a build step through once it is open, and tells which platforms wait before it.

    The platforms in ``passing`` never wait.
    """

    def __init__(self, passing: tuple[str, ...]) -> None:
        self._passing = passing
        self._server = socket.create_server(("127.0.0.1", 0))
        self._asked = threading.Condition()
        self._waiting: set[str] = set()
        self._open = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def step(self) -> str:
        """The lines of a Dockerfile that ask it, from any platform."""
        port = self._server.getsockname()[1]
        ask = (
            f"s = socket.create_connection(('127.0.0.1', {port})); s.sendall(b'$TARGETPLATFORM\\n')"
        )
        return f'ARG TARGETPLATFORM\nRUN python3 -B -c "import socket; {ask}; assert s.recv(1)"\n'

    def wait_for(self, platforms: tuple[str, ...]) -> None:
        """Return when each of ``platforms`` waits."""
        with self._asked:
            assert self._asked.wait_for(lambda: set(platforms) <= self._waiting, _LIMIT_SECONDS)

    def open(self) -> None:
        """Let everybody through from now on."""
        self._open.set()

    def close(self) -> None:
        """Take nobody in any more."""
        self._open.set()
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                threading.Thread(target=self._answer, args=(self._server.accept()[0],)).start()

    def _answer(self, channel: socket.socket) -> None:
        with channel, suppress(OSError):  # who is killed does not wait for an answer
            platform = channel.makefile().readline().strip()
            if platform not in self._passing:
                with self._asked:
                    self._waiting.add(platform)
                    self._asked.notify_all()
                self._open.wait(_LIMIT_SECONDS)
            channel.sendall(b"!")


@contextmanager
def gated(workshop: Workshop, *, passing: tuple[str, ...]) -> Iterator[Gate]:
    """Have every build wait at a gate, but for the platforms in ``passing``."""
    gate = Gate(passing)
    try:
        with workshop.own_dockerfile(IMAGE, "image", "EXPOSE 80\n", f"{gate.step}EXPOSE 80\n"):
            yield gate
    finally:
        gate.close()
