"""The commands that workflows run beside the engine."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from fleet.checkout.split_stacks import stacks_of
from fleet.checkout.stack_config import config_file, declaration_of_file, whole_stack
from fleet.command import Commands
from fleet.console import TroubleError, say
from fleet.declaration.model import Declaration
from fleet.declaration.pins import ended
from fleet.github.api import Api, api_of
from fleet.github.check import check
from fleet.github.comment import job_page, write_comment
from fleet.github.doctor.examine import examine
from fleet.github.drift import repair, report_drift
from fleet.github.handover import hand_over, received
from fleet.github.job import Job, job_of
from fleet.github.proposal import propose
from fleet.github.render.report_page import JOB_LIMIT
from fleet.github.run_files import list_removals, named, read_report
from fleet.local.paths import checkout
from fleet.local.run_display import RunDisplay
from fleet.local.run_report import show, write
from fleet.local.terminal import Terminal
from fleet.reports.event_log import parse_events, report_of
from fleet.reports.report import Report, ReportError

_PROPOSAL = "FLEET_PROPOSAL"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The stack that a command is for, in the checkout at ``root``."""

    root: Path
    stack: str

    @property
    def declaration(self) -> Declaration:
        """The declaration in the stack's file."""
        return declaration_of_file(config_file(self.root, self.stack))

    @property
    def stacks(self) -> tuple[str, ...]:
        """The stacks that it was split into; none where it was not."""
        return tuple(stack.name for stack in stacks_of(self.root, self.stack))

    @property
    def report(self) -> Report | None:
        """The report that the run of these stacks left."""
        return read_report(self.stacks)

    @property
    def fleet(self) -> "Asked":
        """The stack with the declaration, where this one is a part of it."""
        return replace(self, stack=whole_stack(self.root, self.stack))

    @contextmanager
    def job(self) -> Iterator[Job]:
        """Open the job that this process runs in."""
        with api_of() as api:
            yield job_of(api, self.stack)


def add_to(commands: Commands) -> None:
    """Add the commands of this room."""
    for name, command in _COMMANDS.items():
        commands.add(name, partial(_run, command))
    made = commands.add("report", _report, takes_stack=False)
    made.add_argument("--json", action="store_true", help="print the report as JSON")
    events = (
        "the engine's event log, or what `pulumi preview --json` prints; stdin if not given, or -"
    )
    made.add_argument("events", nargs="?", default="-", help=events)


_Command = Callable[[Asked], int | None]


def _run(command: _Command, chosen: argparse.Namespace) -> int:
    return command(Asked(root=checkout(chosen.root).root, stack=chosen.stack)) or 0


def _check(asked: Asked) -> None:
    for problem in ended(asked.declaration, datetime.now(UTC).date().isoformat()):
        say(f"warning: {problem}")
    say(check(asked.root, asked.stack))


def _page(asked: Asked) -> None:
    sys.stdout.write(job_page(asked.stack, asked.report, JOB_LIMIT))


def _comment(asked: Asked) -> None:
    with asked.job() as job:
        write_comment(job, asked.report)


def _removals(asked: Asked) -> None:
    # An output of a step, as the runner reads it.
    sys.stdout.write(f"removals={list_removals(asked.stacks)}\n")


def _drift(asked: Asked) -> int:
    with asked.job() as job:
        return 0 if report_drift(job, asked.report) else 1


def _repair(asked: Asked) -> None:
    with asked.job() as job:
        repair(job, asked.report)


def _report(chosen: argparse.Namespace) -> int:
    display, terminal = RunDisplay(), Terminal(data=chosen.json)

    def shown(lines: BinaryIO) -> Iterator[dict[str, Any]]:
        for event in parse_events(lines):
            terminal.show(display.lines(event))
            yield event

    try:
        if chosen.events == "-":
            report = report_of(shown(sys.stdin.buffer))
        else:
            with Path(chosen.events).open("rb") as lines:
                report = report_of(shown(lines))
    except ReportError as error:
        raise TroubleError(f"{chosen.events}: {error}.") from error
    show(report, as_json=chosen.json)
    write(report)
    return 0 if report.complete else 1


def _collect(asked: Asked) -> None:
    hand_over(asked.root, asked.fleet.stack, named("FLEET_VERSIONS"), named(_PROPOSAL))


def _proposal(asked: Asked) -> None:
    fleet = asked.fleet
    github = fleet.declaration.github
    if github is None:
        raise TroubleError(f"Pulumi.{fleet.stack}.yaml: fleet:github is not declared. Declare it.")
    proposal = received(fleet.root, fleet.stack, named(_PROPOSAL))
    with fleet.job() as job:
        propose(job, github, proposal)


def _doctor(asked: Asked) -> int:
    def open_api(token: str) -> Api:
        return api_of({**os.environ, "GITHUB_TOKEN": token})

    failed, asked = False, asked.fleet
    for found in examine(asked.root, asked.stack, asked.declaration, os.environ, open_api):
        sys.stdout.write(f"{found}\n")
        failed = failed or found.verdict == "FAIL"
    sys.stdout.write("\nWhat each token may do, and where it is: docs/github.md\n")
    return 1 if failed else 0


_COMMANDS: dict[str, _Command] = {
    "check": _check,
    "page": _page,
    "comment": _comment,
    "removals": _removals,
    "drift": _drift,
    "repair": _repair,
    "collect": _collect,
    "proposal": _proposal,
    "doctor": _doctor,
}
