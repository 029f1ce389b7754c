"""A WSGI application to ask, and the check that it is WSGI which serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serving import answered

if TYPE_CHECKING:
    from report import Report
    from server import Server

# `{name}` is the variable that holds the application.
PROBE = """
import json, os, socket
EDITION = "first"
def {name}(environ, start_response):
    body = {{"wsgi": ".".join(map(str, environ["wsgi.version"])), "module": __name__,
            "edition": EDITION, "prestart": os.environ.get("VERIFY_PRESTART"),
            "socket": socket.socket.__module__}}
    start_response("200 OK", [])
    return [json.dumps(body).encode()]
"""


def answered_by_wsgi(server: Server, name: str, report: Report) -> dict[str, object]:
    """Wait for the answer, check that gunicorn called a WSGI application; return its object."""
    answer, body = answered(server, name, report)
    seen = (body.get("wsgi"), answer.headers.get("server"))
    report.equal(f"{name}: gunicorn serves it as WSGI", ("1.0", "gunicorn"), seen)
    return body
