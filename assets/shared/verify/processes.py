"""Checks of the processes that a start script becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from report import Report
    from server import Server


def check_printed(server: Server, check: str, text: str, report: Report) -> None:
    """Check that the server prints a text: a line about a request may follow its answer."""
    report.contains(check, text, server.output(text))


def check_command(server: Server, name: str, report: Report, command: str) -> None:
    """Check that this command of /usr/local/bin serves, alone below what passes signals on to it.

    Where setproctitle is installed, gunicorn gives its master a title in place of that.
    """
    expected, seen = f" /usr/local/bin/{command} ", server.command_line()
    if seen.startswith(f"{command}: master"):
        expected = f"{command}: master"
    report.contains(f"{name}: {command} serves", expected, seen)


def check_workers(
    server: Server, name: str, report: Report, found: Callable[[], list[int]], *, workers: int
) -> None:
    """Check that exactly so many workers come to live, once as many have."""
    server.until(f"{workers} workers", lambda: len(found()) >= workers or None)
    report.equal(f"{name}: {workers} workers", workers, len(found()))


def check_gunicorn(server: Server, name: str, report: Report, *, worker: str, workers: int) -> None:
    """Check gunicorn's worker class and count, and that gunicorn serves."""
    seen = worker_line(server.output())
    report.contains(f"{name}: the worker class is {worker}", worker, seen)
    check_command(server, name, report, "gunicorn")
    check_workers(server, name, report, server.workers, workers=workers)


def worker_line(output: str) -> str:
    """Return the line in which gunicorn names its worker class."""
    return "".join(line for line in output.splitlines() if "Using worker:" in line)
