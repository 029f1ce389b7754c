"""Requests are made in one room, and its limits are those that the page tells."""

import ast
import inspect
import re
from pathlib import Path

from fleet.github.api import _LONGEST_WAIT
from fleet.http.document import _DEPTH
from fleet.http.exchange import _REDIRECTS, HEADERS_LIMIT, Exchange
from fleet.http.message import Call
from fleet.http.retry import RetryPolicy
from fleet.registry.blobs import _COPY_DEADLINE
from fleet.registry.client import _PAGE_LIMIT
from fleet.registry.manifest import MANIFEST_LIMIT
from fleet.releases.pypi.fetch import _WHOLE_SECONDS

ROOT = Path(__file__).parents[3]
OPENING = {
    "AsyncClient", "AsyncHTTPTransport", "Client", "ClientSession", "HTTPConnection",
    "HTTPSConnection", "HTTPTransport", "PoolManager", "Session", "build_opener", "connect",
    "create_connection", "create_unix_connection", "delete", "get", "head", "insecure_channel",
    "open_connection", "open_unix_connection", "options", "patch", "post", "put", "request",
    "secure_channel", "socket", "stream", "urlopen", "urlretrieve",
}  # fmt: skip
CLIENTS = {"httpx", "http", "urllib", "socket", "asyncio", "requests", "aiohttp", "urllib3", "grpc"}
ROOMS = ("components", "fleet", "providers")


def opened(path: Path) -> set[str]:
    """Return the calls of ``path`` that open a connection by a module of ``CLIENTS``."""
    found = set()
    tree = ast.parse(path.read_text())
    taken = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in CLIENTS
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        whole = ast.unparse(node.func)
        first, _, last = whole.rpartition(".")
        # What a call returned is not a module.
        by_module = first.partition(".")[0] in CLIENTS and "(" not in first
        if last in OPENING and (by_module or (not first and last in taken)):
            found.add(whole)
    return found


def test_no_other_room_opens_a_connection() -> None:
    paths = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    assert len(paths) > 200
    found = {path.relative_to(ROOT).as_posix(): opened(path) for path in paths if opened(path)}
    assert found == {
        "fleet/http/opening.py": {"httpx.AsyncClient"},
        # The engine that started the plugin.
        "providers/ociregistry/plugin.py": {"grpc.aio.insecure_channel"},
        # Whether BuildKit answers there: no request, no credential but the client's certificate.
        "fleet/local/node_probe.py": {"socket.create_connection", "socket.socket"},
    }


def test_the_limits_are_those_that_the_page_tells() -> None:
    whole = inspect.signature(Exchange).parameters["deadline"].default
    page = (ROOT / "docs/network.md").read_text()
    told = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE))
    kib, mib = 1024, 1024 * 1024
    assert told["an exchange, from connecting to the last byte, headers included"] == (
        f"{whole:.0f} s; a file of PyPI {_WHOLE_SECONDS / 60:.0f} min, "
        f"a layer {_COPY_DEADLINE / 60:.0f} min"
    )
    assert told["an answer's headers"] == f"{HEADERS_LIMIT // kib} KiB"
    upload = Call(method="PUT", url="https://registry.example/").limit
    assert told["an answer's body"] == (
        f"by its kind: {upload // kib} KiB for the answer to an upload, "
        f"{MANIFEST_LIMIT // mib} MiB for a manifest, {_PAGE_LIMIT // mib} MiB for a page of tags"
    )
    assert told["nesting of JSON"] == f"{_DEPTH} levels"
    assert told["redirects"] == f"{_REDIRECTS}, only of reads"
    assert told["a wait that a server asks for (`Retry-After`)"].startswith(
        f"{RetryPolicy().longest:.0f} s; GitHub {_LONGEST_WAIT:.0f} s."
    )
