"""``python -m jobs COMMAND --stack NAME``: what the workflows do beside the engine."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fleet.checkout.split_stacks import stacks_of
from fleet.checkout.stack_config import config_file, declaration_of_file, whole_stack
from fleet.declaration.github import GitHub
from fleet.declaration.model import Declaration
from fleet.declaration.problems import DeclarationError
from fleet.github.api import Api, api_of
from fleet.github.check import check
from fleet.github.comment import job_page, write_comment
from fleet.github.context import read_context
from fleet.github.doctor.examine import TOKENS, examine
from fleet.github.drift import Findings, repair, report_drift
from fleet.github.handover import hand_over, received
from fleet.github.job import Job
from fleet.github.proposal import changed_files, propose
from fleet.github.removal_gate import list_removals
from fleet.github.render.report import ReportError
from fleet.github.render.report_page import JOB_LIMIT
from fleet.github.run_files import REPORT, named, read_report
from fleet.local.console import TroubleError, say
from fleet.local.paths import checkout
from fleet.local.run_report import lines_of, write
from fleet.reports.event_log import parse_events, report_of

_PROPOSAL = "FLEET_PROPOSAL"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The stack that a command is for, in the checkout at ``root``."""

    root: Path
    stack: str
    events: str = "-"

    @property
    def declaration(self) -> Declaration:
        """What the stack's file declares."""
        return declaration_of_file(config_file(self.root, self.stack))

    @property
    def stacks(self) -> tuple[str, ...]:
        """The stacks that it was split into; none where it was not."""
        return tuple(stack.name for stack in stacks_of(self.root, self.stack))

    @property
    def fleet(self) -> "Asked":
        """The stack with the declaration, where this one is a part of it."""
        return replace(self, stack=whole_stack(self.root, self.stack))

    @property
    def github(self) -> GitHub:
        """What it declares of GitHub.

        :raises TroubleError: when it declares nothing of it.
        """
        found = self.declaration.github
        if found is None:
            raise TroubleError(
                f"Pulumi.{self.stack}.yaml: fleet:github is not declared. Declare it."
            )
        return found

    def job(self, api: Api) -> Job:
        """Return the job that this process runs in."""
        return Job(api=api, context=read_context(), stack=self.stack)


def main(arguments: list[str]) -> int:
    """Return 0 when it is done and all is well, else 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m jobs", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    text = "with report: the event log of an engine, by default standard input"
    parser.add_argument("events", nargs="?", default="-", help=text)
    parser.add_argument("--stack", default="dev")
    parser.add_argument("--root", type=Path, help="the checkout, by default this one")
    chosen = parser.parse_args(arguments)
    try:
        asked = Asked(root=checkout(chosen.root).root, stack=chosen.stack, events=chosen.events)
        return COMMANDS[chosen.command](asked)
    except (TroubleError, DeclarationError, OSError) as error:
        say(f"error: {error}")
        return 1


def _check(asked: Asked) -> int:
    say(check(asked.root, asked.stack))
    return 0


def _page(asked: Asked) -> int:
    sys.stdout.write(job_page(asked.stack, read_report(stacks=asked.stacks), JOB_LIMIT))
    return 0


def _comment(asked: Asked) -> int:
    with api_of() as api:
        write_comment(asked.job(api), read_report(stacks=asked.stacks))
    return 0


def _removals(asked: Asked) -> int:
    # An output of a step, as the runner reads it.
    sys.stdout.write(f"removals={list_removals(asked.stacks)}\n")
    return 0


def _drift(asked: Asked) -> int:
    with api_of() as api:
        return 0 if report_drift(asked.job(api), _findings(asked.stacks)) else 1


def _repair(asked: Asked) -> int:
    with api_of() as api:
        repair(asked.job(api), _findings(asked.stacks))
    return 0


def _findings(stacks: Sequence[str]) -> Findings:
    return Findings(report=read_report(stacks=stacks))


def _report(asked: Asked) -> int:
    try:
        if asked.events == "-":
            report = report_of(parse_events(sys.stdin))
        else:
            with Path(asked.events).open(encoding="utf-8") as lines:
                report = report_of(parse_events(lines))
    except ReportError as error:
        raise TroubleError(f"{asked.events}: {error}.") from error
    for line in lines_of(report):
        sys.stdout.write(f"{line}\n")
    if path := os.environ.get(REPORT):
        write(report, Path(path))
    return 0 if report.complete else 1


def _collect(asked: Asked) -> int:
    fleet = asked.fleet
    summary = named("FLEET_VERSIONS").read_text(encoding="utf-8")
    hand_over(changed_files(fleet.root, fleet.stack), summary, fleet.stack, named(_PROPOSAL))
    return 0


def _proposal(asked: Asked) -> int:
    base = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    fleet = asked.fleet
    proposal = received(fleet.root, fleet.stack, named(_PROPOSAL))
    with api_of() as api:
        propose(
            fleet.job(api),
            fleet.github,
            proposal,
            root=fleet.root,
            graphql=os.environ.get("GITHUB_GRAPHQL_URL") or f"{base}/graphql",
        )
    return 0


def _doctor(asked: Asked) -> int:
    def open_api(token: str) -> Api:
        return api_of({**os.environ, "GITHUB_TOKEN": token})

    failed, asked = False, asked.fleet
    for found in examine(asked.root, asked.stack, asked.declaration, os.environ, open_api):
        sys.stdout.write(f"{found}\n")
        failed = failed or found.verdict == "FAIL"
    sys.stdout.write(f"\n{TOKENS}\n")
    return 1 if failed else 0


COMMANDS: dict[str, Callable[[Asked], int]] = {
    "check": _check,
    "page": _page,
    "comment": _comment,
    "report": _report,
    "removals": _removals,
    "drift": _drift,
    "repair": _repair,
    "collect": _collect,
    "proposal": _proposal,
    "doctor": _doctor,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
