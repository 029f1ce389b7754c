"""The gunicorn worker class of this image: uvicorn's, with this image's settings."""

from __future__ import annotations

import asyncio
import importlib
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
# What a quick shutdown leaves to open requests.
QUICK_SECONDS = 1
UPSTREAM = ("uvicorn_worker", "uvicorn.workers")
UPSTREAM_KWARGS = {
    "UvicornWorker": _UvicornWorker.CONFIG_KWARGS,
    "UvicornH11Worker": {"loop": "asyncio", "http": "h11"},
}


def settings(
    named: Any, environ: Mapping[str, str], load: Callable[[str], ModuleType]
) -> tuple[dict[str, Any], list[str]]:
    """Return gunicorn's settings of this image, and what to tell about UVICORN_... variables.

    ``named`` is a worker class that somebody chose, which takes the place of this image's; one of
    uvicorn's own is this image's. Of the log level only `trace` is passed on: every other one the
    worker takes over from gunicorn. Raises SystemExit with one line for flags without an effect.
    """
    flags = environ.get("UVICORN_EXTRA_FLAGS", "")
    module, _, name = named.rpartition(".") if isinstance(named, str) else ("", "", "")
    if named and not (module in UPSTREAM and name in UPSTREAM_KWARGS):
        if flags:
            sys.exit(
                "start.sh: UVICORN_EXTRA_FLAGS has no effect with the worker class"
                f" {named}; drop one of the two"
            )
        return {}, []
    reader = load("uvicorn_flags")
    try:
        given = reader.config_settings(flags)
    except reader.FlagError as error:
        sys.exit(f"start.sh: UVICORN_EXTRA_FLAGS: {error}")
    level = {"log_level": "trace"} if environ.get("LOG_LEVEL") == "trace" else {}
    config = {**UPSTREAM_KWARGS[name or "UvicornWorker"], **level, **given}
    chosen = type("UvicornWorker", (Worker,), {"CONFIG_KWARGS": config, "__module__": __name__})
    if named:
        # Whoever names it, in a flag or in a file, gets this one.
        setattr(importlib.import_module(module), name, chosen)
        return {}, reader.unread(environ)
    # By name: gunicorn before 23 takes a class for a setting of its own.
    globals()["UvicornWorker"] = chosen
    return {"worker_class": f"{__name__}.UvicornWorker"}, reader.unread(environ)


class Server(uvicorn.Server):
    """Uvicorn's server, which in the end waits for the first request of a connection.

    Uvicorn closes all connections that have no request just then, also one that it accepted a
    moment ago. So whoever restarts gunicorn under load, by SIGHUP, fails requests.
    """

    quick = False

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, answer those that were just accepted, then shut down."""
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        if self.quick:
            own = self.config.timeout_graceful_shutdown
            self.config.timeout_graceful_shutdown = min(own or QUICK_SECONDS, QUICK_SECONDS)
            return await super().shutdown(sockets)
        clock = asyncio.get_running_loop()
        last = clock.time() + FIRST_REQUEST_SECONDS
        await asyncio.sleep(LOOK_SECONDS)
        while (  # noqa: ASYNC110 - connections give no event
            self.expects_request() and not self.force_exit and clock.time() < last
        ):
            await asyncio.sleep(LOOK_SECONDS)
        return await super().shutdown(sockets)

    def expects_request(self) -> bool:
        """Tell whether a connection had no request yet; one of a websocket had its own."""
        return any(getattr(each, "cycle", each) is None for each in self.server_state.connections)


class Worker(_UvicornWorker):
    """Uvicorn's worker, which shows its trace log, ends at SIGQUIT, and has the above server."""

    server: Server | None = None

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
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End soon, as gunicorn's quick shutdown asks with SIGQUIT (INT and QUIT to its master).

        uvicorn-worker notes it where nobody looks, so that such a shutdown takes gunicorn's whole
        grace of 30 s. A second SIGINT would leave out the end of the application's lifespan.
        """
        super().handle_exit(sig, frame)
        if self.server is not None:
            self.server.quick = True
        signal.raise_signal(signal.SIGINT)

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        self.server = Server(config=self.config)
        self._install_sigquit_handler()
        await self.server.serve(sockets=self.sockets)
        if not self.server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
