"""An ASGI application to ask, and the check that it is ASGI which serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serving import answered

if TYPE_CHECKING:
    from expect import Expect
    from report import Report
    from server import Server

# `{name}` is the variable that holds the application.
PROBE = """
import asyncio, json, os
EDITION = "first"
async def {name}(scope, receive, send):
    if scope["type"] != "http":
        raise ValueError(scope["type"])
    body = {{"scope": scope["type"], "module": __name__, "edition": EDITION,
            "asgi": scope["asgi"]["version"], "prestart": os.environ.get("VERIFY_PRESTART"),
            "loop": type(asyncio.get_running_loop()).__module__}}
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": json.dumps(body).encode()}})
"""


def answered_by_asgi(server: Server, name: str, report: Report) -> dict[str, object]:
    """Wait for the answer, check that uvicorn called an ASGI application; return its object."""
    answer, body = answered(server, name, report)
    # A WSGI server calls with other arguments, and never with a scope.
    seen = (body.get("scope"), body.get("asgi"), answer.headers.get("server"))
    report.equal(f"{name}: uvicorn serves it as ASGI", ("http", "3.0", "uvicorn"), seen)
    return body


def check_loop(body: dict[str, object], expect: Expect, report: Report) -> None:
    """Check that the event loop of uvloop is the one that runs, where the image holds uvloop."""
    if "uvloop" in expect.packages:
        report.equal("uvloop runs the application", "uvloop", body.get("loop"))
