"""What clients exchange with an application: answers, websockets, streams, uploads."""

import base64
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPResponse
from typing import Any

from tests.integration.container import Container
from tests.integration.container_network import Connection

_BOUNDARY = "boundary-of-the-form"
# RFC 6455, section 1.3.
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT = 0x81


def seen(
    container: Container,
    headers: Mapping[str, str] | None = None,
    peer: str = "127.0.0.1",
) -> dict[str, Any]:
    """Return the JSON object that answers a request from the loopback address ``peer``."""
    port = container.connection().port
    with closing(Connection(container.pid, port, peer)) as connection:
        connection.request("GET", "/", headers=dict(headers or {}))
        return _json(connection.getresponse())


def uploaded(container: Container, content: bytes) -> dict[str, Any]:
    """Return the answer to an upload of ``content`` in a form's field ``file``."""
    head = (
        f"--{_BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="file"; filename="of-the-test"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = b"".join([head.encode(), content, f"\r\n--{_BOUNDARY}--\r\n".encode()])
    with closing(container.connection()) as connection:
        kind = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        connection.request("POST", "/upload", body, kind)
        return _json(connection.getresponse())


def streamed(container: Container) -> Iterator[str]:
    """Yield the lines of a body; the application sends one when that before was received.

    It looks for a file for each: a server that keeps lines back never gets to the second.
    """
    with closing(container.connection()) as connection:
        connection.request("GET", "/stream")
        response = connection.getresponse()
        assert response.status == 200, response.read()
        for number in range(1, 4):
            yield response.readline().decode()
            (container.root / f"tmp/received-{number}").touch()
        assert response.read() == b""


def echoed(container: Container, message: str) -> str:
    """Return what a websocket at ``/echo`` answers to a ``message`` of less than 126 bytes."""
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket",
        "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13",
    }  # fmt: skip
    with closing(container.connection()) as connection:
        connection.request("GET", "/echo", headers=upgrade)
        # http.client would close what is not HTTP any more.
        with connection.sock.makefile("rb") as answers:
            status = answers.readline().decode()
            assert " 101 " in status, status + answers.read(1000).decode()
            headers = "".join(
                iter(lambda: answers.readline().decode().strip().lower() + "\n", "\n")
            )
            digest = hashlib.sha1(f"{key}{_GUID}".encode(), usedforsecurity=False).digest()
            accepted = base64.b64encode(digest).decode()
            assert f"sec-websocket-accept: {accepted.lower()}\n" in headers
            connection.sock.sendall(_frame(message.encode()))
            kind, length = answers.read(2)
            assert kind == _TEXT, kind
            return answers.read(length).decode()


def _frame(payload: bytes) -> bytes:
    """Return a text frame, masked as a client's has to be."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    return bytes([_TEXT, 0x80 | len(payload)]) + mask + masked


def _json(response: HTTPResponse) -> dict[str, Any]:
    body = response.read()
    assert response.status == 200, (response.status, body)
    found: dict[str, Any] = json.loads(body)
    return found
