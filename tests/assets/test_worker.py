"""The server of python-gunicorn-uvicorn's worker class, in this process."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from tests.assets.starting import ASSETS

if TYPE_CHECKING:
    from types import ModuleType

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"answered"})


@pytest.fixture(scope="module")
def worker() -> ModuleType:
    path = ASSETS / "python-gunicorn-uvicorn/image/start/worker.py"
    spec = importlib.util.spec_from_file_location("worker_of_the_image", path)
    assert spec
    assert spec.loader
    found = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        # Of uvicorn.workers, which stands in for the newer distribution here.
        warnings.simplefilter("ignore", DeprecationWarning)
        spec.loader.exec_module(found)
    return found


class Stopping:
    """A server that shuts down while one connection has sent no request yet."""

    def __init__(self, server: uvicorn.Server, listening: socket.socket) -> None:
        self._server, self._listening = server, listening

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self._listening.getsockname())

    async def answers(self, request: bytes) -> bytes:
        """Return what it answers to a request that is sent once it accepts no connection."""
        serving = asyncio.create_task(self._server.serve(sockets=[self._listening]))
        reader, writer = await self._connected()
        # An answer on a later connection: so the first one was accepted.
        other, ask = await self._connected()
        ask.write(REQUEST)
        assert b"answered" in await other.read()
        self._server.should_exit = True
        while self._server.servers[0].is_serving():  # noqa: ASYNC110 - a server gives no event
            await asyncio.sleep(0)
        found = b""
        with suppress(ConnectionError):
            writer.write(request)
            found = await reader.read()
        for each in (ask, writer):
            each.close()
        await serving
        return found


def stopping(kind: type[uvicorn.Server]) -> Stopping:
    config = uvicorn.Config(app, log_config=None, lifespan="off", loop="asyncio")
    return Stopping(kind(config), socket.create_server(("127.0.0.1", 0)))


def test_a_connection_that_was_accepted_before_the_end_is_answered(
    worker: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that it is the request that is waited for, and not the first look.
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0)
    assert b"answered" in asyncio.run(stopping(worker.Server).answers(REQUEST))


def test_uvicorns_own_server_closes_it() -> None:
    """If this fails, uvicorn has mended it, and the worker's own server can go."""
    assert asyncio.run(stopping(uvicorn.Server).answers(REQUEST)) == b""


def test_a_connection_without_a_request_delays_the_end_for_a_limited_time(
    worker: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "FIRST_REQUEST_SECONDS", 0.1)
    assert asyncio.run(stopping(worker.Server).answers(b"")) == b""


def test_the_worker_serves_with_it(worker: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    served = []

    async def serve(self: uvicorn.Server, sockets: list[socket.socket]) -> None:
        self.started = True
        served.append((type(self), self.config.app, sockets))

    monkeypatch.setattr(uvicorn.Server, "serve", serve)
    made = object.__new__(worker.Worker)
    vars(made).update(
        config=uvicorn.Config("", log_config=None),
        wsgi=app,
        sockets=[],
        _install_sigquit_handler=lambda: None,
    )
    asyncio.run(made._serve())
    assert served == [(worker.Server, app, [])]


def test_a_quick_end_cancels_what_is_open_and_ends_the_lifespan(
    worker: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "QUICK_SECONDS", 0.1)
    seen: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.append("asked")
            await asyncio.Event().wait()
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        seen.append("ended")
        await send({"type": "lifespan.shutdown.complete"})

    async def stopped() -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(application, log_config=None, lifespan="on", loop="asyncio")
        server = worker.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        _, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(REQUEST)
        while not seen:  # noqa: ASYNC110 - the application is not this loop's to wait for
            await asyncio.sleep(0)
        server.quick = server.should_exit = True
        await serving
        writer.close()

    asyncio.run(stopped())
    assert seen == ["asked", "ended"]
