"""The example application: plain WSGI, so that the image answers before yours is copied in."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from typing import Any


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer every request with 200 and a JSON object that says what serves it."""
    body = {
        "message": "Hello, world!",
        "wsgi": ".".join(map(str, environ["wsgi.version"])),
        "server": environ["SERVER_SOFTWARE"],
        "python": platform.python_version(),
    }
    start_response("200 OK", [("content-type", "application/json")])
    return [json.dumps(body).encode() + b"\n"]
