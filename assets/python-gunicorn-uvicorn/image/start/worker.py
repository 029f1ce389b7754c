"""The gunicorn worker class of this image: uvicorn's, with this image's settings."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from types import FrameType, ModuleType
from typing import Any

import uvicorn
from gunicorn.arbiter import Arbiter

try:
    from uvicorn_worker import UvicornWorker as _UvicornWorker
except ImportError:  # distributions older than uvicorn-worker carry the class themselves
    from uvicorn.workers import UvicornWorker as _UvicornWorker

# A client sends its request right behind the connection; its network may lose a packet.
FIRST_REQUEST_SECONDS = 1.0
LOOK_SECONDS = 0.05


def settings(
    named: Any, environ: Mapping[str, str], load: Callable[[str], ModuleType]
) -> tuple[dict[str, Any], list[str]]:
    """Return gunicorn's settings of this image, and what to tell about UVICORN_... variables.

    ``named`` is a worker class that somebody chose, which takes the place of this image's. Of the
    log level only `trace` is passed on: every other one the worker takes over from gunicorn. Raises
    SystemExit with one line for flags that can have no effect.
    """
    reader = load("uvicorn_flags")
    flags = environ.get("UVICORN_EXTRA_FLAGS", "")
    if named:
        if flags:
            sys.exit(
                "start.sh: UVICORN_EXTRA_FLAGS has no effect with the worker class"
                f" {named}; drop one of the two"
            )
        return {}, []
    try:
        given = reader.config_settings(flags)
    except reader.FlagError as error:
        sys.exit(f"start.sh: UVICORN_EXTRA_FLAGS: {error}")
    level = {"log_level": "trace"} if environ.get("LOG_LEVEL") == "trace" else {}
    config = {**_UvicornWorker.CONFIG_KWARGS, **level, **given}
    chosen = type("UvicornWorker", (UvicornWorker,), {"CONFIG_KWARGS": config})
    return {"worker_class": chosen}, reader.unread(environ)


class Server(uvicorn.Server):
    """Uvicorn's server, which in the end waits for the first request of a connection.

    Uvicorn closes all connections that have no request just then, also one that it accepted a
    moment ago. So whoever restarts gunicorn under load, by SIGHUP, fails requests.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, answer those that were just accepted, then shut down."""
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        clock = asyncio.get_running_loop()
        last = clock.time() + FIRST_REQUEST_SECONDS
        await asyncio.sleep(LOOK_SECONDS)
        while (  # noqa: ASYNC110 - connections give no event
            self.expects_request() and not self.force_exit and clock.time() < last
        ):
            await asyncio.sleep(LOOK_SECONDS)
        await super().shutdown(sockets)

    def expects_request(self) -> bool:
        """Tell whether a connection had no request yet; one of a websocket had its own."""
        return any(getattr(each, "cycle", each) is None for each in self.server_state.connections)


class UvicornWorker(_UvicornWorker):
    """Uvicorn's worker, which shows its trace log, ends at SIGQUIT, and has the above server."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn's worker routes its error and access logs to gunicorn's, but not this one.
        asgi_log = logging.getLogger("uvicorn.asgi")
        asgi_log.handlers = self.log.error_log.handlers
        asgi_log.propagate = False

    def init_signals(self) -> None:
        """Let the signal that ends the server end the worker in order, too.

        uvicorn raises it again when it has shut down; gunicorn warns of a worker that it killed.
        """
        super().init_signals()
        signal.signal(signal.SIGINT, lambda *_: sys.exit(0))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End at once, as gunicorn's quick shutdown asks with SIGQUIT (INT and QUIT to its master).

        uvicorn-worker notes it where nobody looks, so that such a shutdown takes gunicorn's whole
        grace of 30 s. A second SIGINT is uvicorn's way not to wait for connections.
        """
        super().handle_exit(sig, frame)
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = Server(config=self.config)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
