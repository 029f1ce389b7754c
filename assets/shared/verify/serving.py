"""What the scenarios share: run a server, ask it, look at its processes, end it."""

from __future__ import annotations

import json
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from server import Server, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from report import Report
    from server import Answer

APP = Path("/app")
# A stop takes half a second natively, and took 12 where a builder emulated many platforms at once
# (seen at a load of 11 on two processors). A worker that loses the signal lives for gunicorn's 30.
STOP_SECONDS = 25


@dataclass(frozen=True)
class Scenario:
    """One start of the server: its environment, its port, files for it under /app, its user."""

    name: str
    settings: dict[str, str] = field(default_factory=dict)
    port: int = 80
    files: dict[str, str] = field(default_factory=dict)
    user: int = 0


def run(scenario: Scenario, report: Report, look: Callable[[Server], None]) -> None:
    """Start the server and look at it; whatever goes wrong with it is a failed check."""
    try:
        settings, port, user = scenario.settings, scenario.port, scenario.user
        with Files(scenario.files), Server(settings, port, user) as server:
            look_at(server, scenario.name, report, look)
    except OSError as error:
        report.fail(f"{scenario.name}: /start.sh starts", "a process", str(error))


def look_at(server: Server, name: str, report: Report, look: Callable[[Server], None]) -> None:
    """Look at a server, and keep what it printed if a check failed."""
    before = len(report.failures)
    try:
        look(server)
    except ServerError as error:
        report.fail(f"{name}: the server serves", "what it should", str(error))
    if len(report.failures) > before:
        report.attach(f"the server's output in '{name}'", server.output())


def answered(server: Server, name: str, report: Report) -> tuple[Answer, dict[str, object]]:
    """Wait for the answer and check that it is 200; return it and its JSON object."""
    answer = server.answer()
    report.equal(f"{name}: GET / answers 200", 200, answer.status)
    return answer, parsed(answer)


def parsed(answer: Answer) -> dict[str, object]:
    """Return the JSON object of an answer, or an empty one when the body is something else."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def check_stop(
    server: Server, name: str, report: Report, number: signal.Signals = signal.SIGTERM
) -> None:
    """Check that a stop signal ends the server and all its processes in time."""
    label, left = _stopped(server, name, number)
    report.equal(label, [], left)


def check_reloader_stop(server: Server, name: str, report: Report) -> None:
    """Check that SIGQUIT, which is SIGINT for it, ends uvicorn's reloader, of two at least one.

    One that is signalled in the instant in which it enters or leaves a pause never ends: its
    handler waits for the lock that the pause holds, in one and the same thread (`BaseReload`
    of uvicorn, `threading.Event`; seen once, under emulation). That is not the image's fault.
    """
    label, left = _stopped(server, name, signal.SIGQUIT)
    if not left:
        report.ok(label)
        return
    print(f"{name}: processes {left} outlive SIGQUIT: once more", flush=True)
    with server.again() as other:
        look_at(
            other, f"{name}, once more", report, lambda it: _answers_and_stops(it, name, report)
        )


def _stopped(server: Server, name: str, number: signal.Signals) -> tuple[str, list[int]]:
    """Send a signal; return the label of the check, with the time, and what outlived it."""
    began = time.monotonic()
    left = server.stop(number, STOP_SECONDS)
    return f"{name}: {number.name} ends every process ({time.monotonic() - began:.1f} s)", left


def _answers_and_stops(server: Server, name: str, report: Report) -> None:
    server.answer()
    check_stop(server, name, report, signal.SIGQUIT)


class Files:
    """Files under /app, by their relative names, that are gone again on leaving the context."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def __enter__(self) -> None:
        for name, text in self._files.items():
            path = APP / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def __exit__(self, *error: object) -> None:
        for top in {APP / Path(name).parts[0] for name in self._files}:
            if top.is_dir():
                shutil.rmtree(top)
            else:
                top.unlink()
