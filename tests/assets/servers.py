"""Runs as `gunicorn` or `uvicorn` under the real start scripts, and shows what those would show.

The first word is the command that it stands for, the others are what start.sh gives it. It listens
on a socket file named after the port, serves the application itself, and its workers only live.
"""

from __future__ import annotations

import asyncio
import http.server
import importlib
import io
import os
import runpy
import signal
import socket
import socketserver
import subprocess
import sys
import traceback
from argparse import ArgumentParser, Namespace
from pathlib import Path
from types import ModuleType
from typing import Any

from gunicorn.util import load_class

Response = tuple[str, list[tuple[str, str]], bytes]
WORKER = "import time; time.sleep(600)  # spawn_main, as uvicorn's own are called"


def options(words: list[str]) -> Namespace:
    """Read the words as the servers do: what comes last wins."""
    parser = ArgumentParser(allow_abbrev=False)
    for name in ("--bind", "--host", "--port", "--log-level", "--access-logfile"):
        parser.add_argument(name, default="")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("-k", dest="worker_class", default="")
    parser.add_argument("--config", default="")
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--reload", action="store_true")
    parser.add_argument("application")
    given = parser.parse_args(words)
    given.worker = None
    if given.config:
        sys.argv = ["gunicorn", *words]
        settings = runpy.run_path(given.config)
        given.bind = given.bind or settings["bind"][0]
        given.workers = given.workers or settings["workers"]
        named = "" if given.worker_class else settings.get("worker_class", "")
        given.worker = load_class(named) if named else None
        given.worker_class = given.worker_class or named or "sync"
    return given


def extra_headers(given: Namespace) -> list[tuple[str, str]]:
    """Return the headers of UVICORN_EXTRA_FLAGS; under gunicorn its worker class has them."""
    if given.worker is not None:
        return [tuple(header) for header in given.worker.CONFIG_KWARGS.get("headers", [])]
    return [tuple(header.split(":", 1)) for header in given.header]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def announce(given: Namespace, *, asgi: bool) -> None:
    """Print what the server prints when it starts."""
    if given.bind:
        say("[INFO] Starting gunicorn 23.0.0")
        say(f"[INFO] Listening at: http://{given.bind} (1)")
        say(f"[INFO] Using worker: {given.worker_class}")
        say("[DEBUG]" if given.log_level == "debug" else "")
        say("[TRACE]" if asgi and os.environ.get("LOG_LEVEL") == "trace" else "")
    else:
        say(f"INFO: Uvicorn running on http://{given.host}:{given.port} (Press CTRL+C to quit)")
        say("INFO: Started reloader process" if given.reload else "")
        say("TRACE: ASGI" if given.log_level == "trace" else "")


class Application:
    """The application by the words `module:variable`, called as ASGI or as WSGI."""

    def __init__(self, words: str, *, asgi: bool) -> None:
        name, _, self._variable = words.partition(":")
        self._module: ModuleType = importlib.import_module(name)
        self._asgi = asgi
        self._text = self._source.read_text("utf-8")

    @property
    def _source(self) -> Path:
        return Path(str(self._module.__file__))

    def reload(self) -> None:
        """Import the module again if its text changed, and say so."""
        if (text := self._source.read_text("utf-8")) != self._text:
            say("Reloading")
            self._module, self._text = importlib.reload(self._module), text

    def answer(self) -> Response:
        """Call the application once; 500 with the traceback printed when it fails."""
        called = getattr(self._module, self._variable)
        try:
            return by_asgi(called) if self._asgi else by_wsgi(called)
        except Exception:  # noqa: BLE001 - any error of an application is an answer
            traceback.print_exc()
            return "500 Internal Server Error", [], b""


class UvloopLoop(asyncio.SelectorEventLoop):
    """An event loop that says to come from uvloop."""

    __module__ = "uvloop"


def by_asgi(called: Any) -> Response:
    sent: list[dict[str, Any]] = []

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    with asyncio.Runner(loop_factory=UvloopLoop) as runner:
        runner.run(called({"type": "http", "asgi": {"version": "3.0"}}, None, send))
    return str(sent[0]["status"]), [], sent[1]["body"]


def by_wsgi(called: Any) -> Response:
    started: list[Any] = []
    environ = {"wsgi.version": (1, 0), "SERVER_SOFTWARE": "gunicorn", "wsgi.input": io.BytesIO()}
    body = b"".join(called(environ, lambda *words: started.extend(words)))
    return started[0], started[1], body


class Listener(socketserver.UnixStreamServer):
    """Answers from one application, one request after the other."""

    def __init__(self, path: str, application: Application, given: Namespace, server: str) -> None:
        Path(path).unlink(missing_ok=True)
        super().__init__(path, Handler)
        self.application = application
        self.headers = [("server", server), *(extra_headers(given) if server == "uvicorn" else [])]
        self.answered = False
        self.logs = given.access_logfile == "-"


class Handler(http.server.BaseHTTPRequestHandler):
    """Hands each request on to the application."""

    server: Listener

    def do_GET(self) -> None:
        status, headers, body = self.server.application.answer()
        self.send_response_only(int(status.split()[0]))
        for name, value in (*self.server.headers, *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.server.answered = True
        if self.server.logs:
            say(f'"GET {self.path} HTTP/1.1" {status}')


def serve(given: Namespace) -> None:
    """Serve until a stop signal, which ends the workers first."""
    asgi = not given.bind or given.worker_class.endswith("UvicornWorker")
    if given.worker_class == "gevent":
        setattr(socket.socket, "__module__", "gevent._socket3")  # noqa: B010 - as patched by it
    port = given.bind.rpartition(":")[2] or given.port
    path = str(Path(os.environ["SOCKETS"]) / port)
    application = Application(given.application, asgi=asgi)
    count = given.workers if given.bind or given.workers > 1 else 0
    command = [sys.executable, "-SEc", WORKER]
    workers: list[subprocess.Popen[bytes]] = []

    def stop(*_: object) -> None:
        for worker in workers:
            worker.terminate()
            worker.wait()
        sys.exit()

    # uvicorn has no handler of SIGQUIT.
    for number in (signal.SIGTERM, signal.SIGINT, *([signal.SIGQUIT] if given.config else [])):
        signal.signal(number, stop)
    with Listener(path, application, given, "uvicorn" if asgi else "gunicorn") as listener:
        announce(given, asgi=asgi)
        listener.timeout = 0.1
        while True:
            listener.handle_request()
            # One after the other once it answers: whoever counts them has to wait.
            if listener.answered and len(workers) < count:
                workers.append(subprocess.Popen(command))
            if given.reload:
                application.reload()


if __name__ == "__main__":
    sys.path.insert(0, "")  # as the servers do
    serve(options(sys.argv[2:]))
