"""A source distribution whose build asks this machine for more, on a server on loopback."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NAME = "curious"
BACKEND = """\
from urllib.request import urlopen


def ask(*_, **__):
    urlopen("{address}/more", timeout=5).read()


prepare_metadata_for_build_wheel = get_requires_for_build_wheel = build_wheel = ask
"""
PROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


@dataclass
class Source:
    """The ``requirement`` that names it by address and hash, and the paths that were ``asked``."""

    requirement: str = ""
    asked: list[str] = field(default_factory=list)


class _Noting(SimpleHTTPRequestHandler):
    def __init__(self, asked: list[str], *args: object, directory: str) -> None:
        self.asked = asked
        super().__init__(*args, directory=directory)  # type: ignore[arg-type]

    def log_message(self, *_: object) -> None:
        self.asked.append(self.path)


@contextmanager
def curious_source(folder: Path) -> Iterator[Source]:
    """Serve it from ``folder``."""
    source = Source()
    handler = partial(_Noting, source.asked, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    address = f"http://127.0.0.1:{server.server_port}"
    texts = {
        "backend.py": BACKEND.format(address=address),
        "pyproject.toml": PROJECT,
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n",
    }
    path = folder / f"{NAME}-1.0.tar.gz"
    with tarfile.open(path, mode="w:gz") as archive:
        for name, text in texts.items():
            member = tarfile.TarInfo(f"{NAME}-1.0/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    source.requirement = f"{NAME} @ {address}/{path.name}#sha256={digest}\n"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield source
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
