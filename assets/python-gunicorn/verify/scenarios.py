"""The promises of the start script that hands a WSGI application to gunicorn."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import settings
from processes import check_gunicorn, check_printed
from serving import Scenario, check_stop, run
from wsgi import PROBE, answered_by_wsgi

if TYPE_CHECKING:
    from expect import Expect
    from report import Report
    from server import Server

FLAGS = {"GUNICORN_EXTRA_FLAGS": "--access-logfile -"}
GEVENT = Scenario(
    name="gevent",
    port=8383,
    settings={
        "PORT": "8383",
        "WORKERS": "1",
        "MODULE_NAME": "verify_gevent",
        "GUNICORN_EXTRA_FLAGS": "-k gevent",
    },
    files={"verify_gevent.py": PROBE.format(name="app")},
)


def bare(server: Server, expect: Expect, report: Report) -> None:
    """The image as it comes, on every platform: the example application and every default."""
    body = answered_by_wsgi(server, "bare", report)
    settings.check_bare(body, server, expect, report)
    check_gunicorn(server, "bare", report, worker="sync", workers=4)
    starting = f"Starting gunicorn {expect.packages.get('gunicorn')}"
    check_printed(server, "bare: the declared gunicorn runs", starting, report)
    check_stop(server, "bare", report)


def run_scenarios(expect: Expect, report: Report) -> None:
    """Run the other scenarios, which one platform shows; each has files of its own."""
    chosen = settings.configured(PROBE, FLAGS)
    run(chosen, report, lambda server: configured(server, report))
    run(settings.reloading(PROBE), report, lambda server: reloading(server, report))
    if "gevent" in expect.packages:
        run(GEVENT, report, lambda server: gevent(server, report))


def configured(server: Server, report: Report) -> None:
    """Discovery of app.main before main, prestart, and the settings of the server."""
    body = answered_by_wsgi(server, "configured", report)
    settings.check_configured(body, server, report)
    check_gunicorn(server, "configured", report, worker="sync", workers=2)
    check_printed(server, "LOG_LEVEL trace is debug for gunicorn", "[DEBUG]", report)
    check_printed(server, "GUNICORN_EXTRA_FLAGS reach gunicorn", '"GET / HTTP', report)
    check_stop(server, "configured", report, signal.SIGINT)


def reloading(server: Server, report: Report) -> None:
    """RELOAD, MODULE_NAME, VARIABLE_NAME and PRE_START_PATH."""
    body = answered_by_wsgi(server, "reloading", report)
    settings.check_reloading(body, server, PROBE, report, command="gunicorn")


def gevent(server: Server, report: Report) -> None:
    """The worker class that comes along as an extra."""
    body = answered_by_wsgi(server, "gevent", report)
    check_gunicorn(server, "gevent", report, worker="gevent", workers=1)
    report.contains("gevent: its sockets serve", "gevent.", str(body.get("socket")))
    check_stop(server, "gevent", report)
