"""The promises of the start script that hands an ASGI application to uvicorn."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import settings
from asgi import PROBE, answered_by_asgi, check_loop
from processes import check_command, check_printed, check_workers
from serving import check_stop, run

if TYPE_CHECKING:
    from expect import Expect
    from report import Report
    from server import Server

FLAGS = {"UVICORN_EXTRA_FLAGS": "--header 'x-verified:by its flags'"}


def bare(server: Server, expect: Expect, report: Report) -> None:
    """The image as it comes, on every platform: the example application and every default."""
    body = answered_by_asgi(server, "bare", report)
    settings.check_bare(body, server, expect, report)
    check_command(server, "bare", report, "uvicorn")
    report.equal("bare: one process serves", [], spawned(server))
    check_stop(server, "bare", report)


def run_scenarios(expect: Expect, report: Report) -> None:
    """Run the other scenarios, which one platform shows; each has files of its own."""
    chosen = settings.configured(PROBE, FLAGS)
    run(chosen, report, lambda server: configured(server, expect, report))
    run(settings.reloading(PROBE), report, lambda server: reloading(server, report))


def configured(server: Server, expect: Expect, report: Report) -> None:
    """Discovery of app.main before main, prestart, and the settings of the server."""
    body = answered_by_asgi(server, "configured", report)
    settings.check_configured(body, server, report)
    check_loop(body, expect, report)
    header = server.answer().headers.get("x-verified")
    report.equal("UVICORN_EXTRA_FLAGS reach uvicorn", "by its flags", header)
    check_command(server, "configured", report, "uvicorn")
    check_workers(server, "configured", report, lambda: spawned(server), workers=2)
    check_printed(server, "LOG_LEVEL trace reaches uvicorn", "TRACE:", report)
    check_stop(server, "configured", report, signal.SIGINT)


def reloading(server: Server, report: Report) -> None:
    """RELOAD, MODULE_NAME, VARIABLE_NAME and PRE_START_PATH."""
    body = answered_by_asgi(server, "reloading", report)
    check_printed(server, "RELOAD starts uvicorn's reloader", "reloader process", report)
    settings.check_reloading(body, server, PROBE, report, command="uvicorn")


def spawned(server: Server) -> list[int]:
    """The worker processes: multiprocessing has one of its own beside them."""
    return [pid for pid in server.workers() if "spawn_main" in server.command_line(pid)]
