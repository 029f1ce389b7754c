"""A package index on loopback, as PEP 691 has it: with uv itself, no other is asked."""

import hashlib
import io
import json
import ssl
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fleet.releases.pypi.pypi import File, files_in
from fleet.releases.pypi.sdists import SdistError, metadata

JSON = "application/vnd.pypi.simple.v1+json"
LONG_AGO = "2020-01-01T00:00:00Z"
BACKEND = """\
import os, pathlib
pathlib.Path({marker!r}).write_text(repr(dict(os.environ)))
raise SystemExit("the build backend ran")
"""


@dataclass
class Simple:
    """The offer of an index: by distribution, the entry and the bytes of each file."""

    url: str = ""
    files: dict[str, dict[str, tuple[dict[str, Any], bytes]]] = field(default_factory=dict)

    def wheel(
        self, name: str, version: str, *requires: str, extras: Mapping[str, str] | None = None,
        about: Mapping[str, Any] | None = None, modules: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Offer a pure wheel; ``about`` are keys of its entry, ``extras`` what each brings."""
        info = f"{name}-{version}.dist-info"
        needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
        for extra, one in (extras or {}).items():
            needs += f"Provides-Extra: {extra}\nRequires-Dist: {one} ; extra == '{extra}'\n"
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
            archive.writestr(f"{info}/METADATA", head)
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
            archive.writestr(f"{info}/RECORD", "")
            for path, text in (modules or {}).items():
                archive.writestr(path, text)
        self.offer(name, f"{name}-{version}-py3-none-any.whl", body.getvalue(), about)

    def sdist(  # noqa: PLR0913 - a table of what may differ
        self, name: str, version: str, *requires: str, marker: str = "/dev/null",
        metadata: str = "2.1", about: Mapping[str, Any] | None = None, backend: str = BACKEND,
        builds: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Offer a source distribution whose ``backend`` may write ``marker`` when it is asked."""
        needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
        texts = {
            "PKG-INFO": f"Metadata-Version: {metadata}\nName: {name}\nVersion: {version}\n{needs}",
            "pyproject.toml": f"[build-system]\nrequires = {list(builds)}\n"
            "build-backend = 'ours'\nbackend-path = ['.']\n",
            "ours.py": backend.replace("{marker!r}", repr(marker)),
        }
        body = io.BytesIO()
        with tarfile.open(fileobj=body, mode="w:gz") as archive:
            for path, text in texts.items():
                member = tarfile.TarInfo(f"{name}-{version}/{path}")
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
        self.offer(name, f"{name}-{version}.tar.gz", body.getvalue(), about)

    def listed(self, name: str) -> tuple[File, ...]:
        """Return the files of ``name`` as the program reads them."""
        answer = self.answer(f"/simple/{name}/")
        return files_in(json.loads(answer[1]), f"{self.url}/{name}/") if answer else ()

    def stated(self, file: File, _: str = "") -> str | SdistError:
        """Return what the source distribution ``file`` states of itself, on any Python."""
        try:
            return metadata(file.name, self.content(file))
        except SdistError as error:
            return error

    def content(self, file: File) -> bytes:
        """Return the bytes of ``file``."""
        name = file.url.rpartition("/")[0].rpartition("/")[2]
        return self.files[name][file.name][1]

    def offer(self, name: str, file: str, body: bytes, about: Mapping[str, Any] | None) -> None:
        """Offer ``file`` with content ``body``."""
        entry = {
            "filename": file,
            "url": f"/files/{name}/{file}",
            "hashes": {"sha256": hashlib.sha256(body).hexdigest()},
            "upload-time": LONG_AGO,
            **(about or {}),
        }
        entry = {key: value for key, value in entry.items() if value is not None}
        self.files.setdefault(name, {})[file] = (entry, body)

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """Return the type and content of what is at ``path``."""
        room, name, file = [*path.strip("/").split("/"), "", ""][:3]
        offered = self.files.get(name, {})
        if room == "simple" and offered:
            listed = [entry for entry, _ in offered.values()]
            answer = {"meta": {"api-version": "1.1"}, "name": name, "files": listed}
            return JSON, json.dumps(answer).encode()
        if room == "files" and file in offered:
            return "application/octet-stream", offered[file][1]
        return None


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Simple]:
    """Serve an empty index, to which a test adds what it is about."""
    index = Simple()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = index.answer(self.path)
            if found is None:
                self.send_error(404)
                return
            kind, body = found
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - as http.server calls it

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index.url = f"http://127.0.0.1:{server.server_port}/simple"
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        index.url = f"https://localhost:{server.server_port}/simple"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
