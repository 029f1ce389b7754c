"""The example application: plain ASGI, so that the image answers before yours is copied in."""

from __future__ import annotations

import json
import platform
from typing import Any


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:  # noqa: ARG001
    """Answer every HTTP request with 200 and a JSON object that says what serves it.

    Raises ValueError for other scopes: a server that supports lifespan then goes on without it
    (ASGI specification, "Lifespan Protocol").
    """
    if scope["type"] != "http":
        raise ValueError(f"the example answers http, not {scope['type']}")
    body = {
        "message": "Hello, world!",
        "scope": scope["type"],
        "asgi": scope["asgi"]["version"],
        "python": platform.python_version(),
    }
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode() + b"\n"})
