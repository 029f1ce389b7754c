"""Loads a verification's modules, which are plain files of two build contexts."""

from __future__ import annotations

import contextlib
import importlib
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import Any

ASSETS = Path(__file__).parents[2] / "assets"
# A server of one process: what it answers, and what it does when stopped, is in its environment.
SERVER = f"""#!{sys.executable}
import http.server, os, signal, subprocess, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response_only(int(os.environ.get("STATUS", "200")))
        self.send_header("server", os.environ.get("SERVER", "uvicorn"))
        self.end_headers()
        self.wfile.write(os.environ["BODY"].encode())
    def log_message(self, *words): pass
if "ENDS" in os.environ:
    sys.exit(os.environ["ENDS"])
once = os.environ.get("DEAF_ONCE")
if "DEAF" in os.environ or (once and not os.path.exists(once)):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGQUIT, signal.SIG_IGN)
if once:
    open(once, "w").close()
for _ in range(int(os.environ.get("CHILDREN", "0"))):
    subprocess.Popen(["sleep", "60"])
print(os.environ.get("TELLS", ""), flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


@contextlib.contextmanager
def verification(image: str = "python-gunicorn-uvicorn") -> Iterator[None]:
    """Make the modules importable by their plain names, and forget them afterwards."""
    folders = [ASSETS / name / "verify" for name in ("shared", image)]
    names = {file.stem for folder in folders for file in folder.glob("*.py")}
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    path = sys.path[:]
    sys.path[:0] = map(str, folders)
    try:
        yield
    finally:
        sys.path[:] = path
        sys.dont_write_bytecode = before
        for name in names:
            sys.modules.pop(name, None)


def load(name: str) -> ModuleType:
    """One module of the verification; only inside `verification`."""
    return importlib.import_module(name)


def scenario(**settings: str) -> Any:
    """A scenario that starts `SERVER` on a free port with these settings."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {"BODY": "{}", "PORT": str(port), **settings}
    return load("serving").Scenario("case", environ, port)
