"""The commands of the engine and the machine around it."""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from fleet.checkout.split_stacks import stacks_of
from fleet.command import Commands, Run, add_lock_flags
from fleet.console import TroubleError, say
from fleet.local import (
    backend,
    certificates,
    cleanup,
    docker_config,
    engine,
    environment,
    node_probe,
    prepare,
    run_stacks,
)
from fleet.local.paths import Checkout, checkout
from fleet.local.requirements import read_needs
from fleet.local.toolchain import published


def add_to(commands: Commands) -> None:
    """Add the commands of this room."""
    for name, (summary, command) in _COMMANDS.items():
        made = commands.add(name, summary, _here(command), interrupted=_GOES_ON)
        if name == "lock":
            add_lock_flags(made)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The request of a command: the stack, and what of its lock is to be resolved again."""

    stack: str
    refresh: str = ""
    newest: str = ""


def _on(stack: str) -> list[str]:
    # The table of `status` says what the outputs hold, in less room.
    return ["--stack", stack, "--suppress-outputs"]


def _up(here: Checkout, asked: Asked) -> int:
    ready = prepare.prepare(here, asked.stack, builds=True)
    # What others use is changed after a look at the preview, where there is someone to look.
    look = ready.needs.port is None and sys.stdin.isatty()
    options = ["--continue-on-error", *([] if look else ["--yes", "--skip-preview"])]
    code = engine.run(here, [str(ready.pulumi), "up", *_on(asked.stack), *options], ready.env)
    if code:
        node_probe.report_unreachable(ready.needs)
    try:
        engine.print_status(here, ready.pulumi, asked.stack, ready.env)
    except TroubleError as error:
        say(f"error: {error}")
        return code or 1
    return code


def _preview(here: Checkout, asked: Asked) -> int:
    ready = prepare.prepare(here, asked.stack)
    argv = [str(ready.pulumi), "preview", *_on(asked.stack)]
    return engine.run(here, argv, environment.for_reading(ready.env))


def _refresh(here: Checkout, asked: Asked) -> int:
    ready = prepare.prepare(here, asked.stack)
    argv = [str(ready.pulumi), "refresh", *_on(asked.stack), "--yes", "--skip-preview"]
    return engine.run(here, argv, environment.for_reading(ready.env))


def _lock(here: Checkout, asked: Asked) -> int:
    prepare.lock(here, asked.stack, refresh=asked.refresh, newest=asked.newest)
    return 0


def _status(here: Checkout, asked: Asked) -> int:
    needs = read_needs(here.root, asked.stack)
    backend.require(here, needs, os.environ)
    env = environment.complete(here, needs)
    engine.print_status(here, here.bin / "pulumi", asked.stack, env)
    return 0


def _env(here: Checkout, asked: Asked) -> int:
    needs = read_needs(here.root, asked.stack)
    if needs.port is not None:
        certificates.ensure(here)
    docker_config.share(here, needs, os.environ)
    gone = environment.unset(here, needs, os.environ)
    print(environment.exports(environment.of_process(here, needs), gone), end="")
    return 0


def _checksums(here: Checkout, _: Asked) -> int:
    count = published.record(here.root)
    say(f"recorded the SHA-256 of {count} archives in {published.RECORDED}; compare and commit it")
    return 0


def _down(here: Checkout, _: Asked) -> int:
    cleanup.down(here)
    return 0


def _clean(here: Checkout, _: Asked) -> int:
    cleanup.clean(here)
    return 0


Command = Callable[[Checkout, Asked], int]
_GOES_ON = "What was started goes on (make down stops it)."


def _here(command: Command) -> Run:
    def run(chosen: argparse.Namespace) -> int:
        refresh, newest = getattr(chosen, "refresh", ""), getattr(chosen, "newest", "")
        asked = Asked(stack=chosen.stack, refresh=refresh or "", newest=newest)
        return command(checkout(chosen.root), asked)

    return run


def _each(command: Command, *, builds: bool = False) -> Command:
    """Return ``command`` for each stack in turn, where that which is asked for was split."""

    def run(here: Checkout, asked: Asked) -> int:
        stacks = stacks_of(here.root, asked.stack)
        if not stacks:
            return command(here, asked)
        return run_stacks.take(
            stacks, lambda stack: command(here, replace(asked, stack=stack)), builds=builds
        )

    return run


_COMMANDS: dict[str, tuple[str, Command]] = {
    "up": ("Make the registry equal to the declaration", _each(_up, builds=True)),
    "preview": ("Show what up would do", _each(_preview)),
    "refresh": ("Read the registry and report drift", _each(_refresh)),
    "lock": ("Resolve what is not locked", _lock),
    "status": ("Print the tags: digest, platforms, size, verified", _each(_status)),
    "env": ("Print the environment of plain pulumi, as shell exports", _env),
    "checksums": ("Record the SHA-256 of the engine and plugins that are published", _checksums),
    "down": ("Stop the registry and builder of this checkout", _down),
    "clean": ("Stop them and remove .fleet", _clean),
}
