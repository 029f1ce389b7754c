"""The commands of the engine and the machine around it."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping

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
    signing_key,
)
from fleet.local.paths import Checkout, checkout
from fleet.local.requirements import read_needs
from fleet.local.toolchain import published
from fleet.local.toolchain.pulumi_installer import missing_plugins


def add_to(commands: Commands) -> None:
    """Add the commands of this room."""
    for name, (text, run) in _COMMANDS.items():
        made = commands.add(name, text, run, interrupted=run_stacks.GOES_ON)
        if name == "lock":
            add_lock_flags(made)


def _each(command: Callable[[Checkout, str], int], *, builds: bool = False) -> Run:
    """Return ``command`` for each stack in turn, where that which is asked for was split."""

    def run(chosen: Namespace) -> int:
        here = checkout(chosen.root)
        stacks = stacks_of(here.root, chosen.stack)
        if not stacks:
            return command(here, chosen.stack)
        return run_stacks.take(stacks, lambda stack: command(here, stack), builds=builds)

    return run


def _on(stack: str) -> list[str]:
    # The table of `status` says what the outputs hold, in less room.
    return ["--stack", stack, "--suppress-outputs"]


def _up(here: Checkout, stack: str) -> int:
    ready = prepare.prepare(here, stack, builds=True)
    # What others use is changed after a look at the preview, where there is someone to look.
    look = ready.needs.port is None and sys.stdin.isatty()
    options = ["--continue-on-error", *([] if look else ["--yes", "--skip-preview"])]
    code = _engine(here, ready, ["up", *_on(stack), *options], ready.env)
    if code:
        node_probe.report_unreachable(ready.needs)
    try:
        engine.print_status(here, ready.pulumi, stack, ready.env)
    except TroubleError as error:
        say(f"error: {error}")
        return code or 1
    return code


def _preview(here: Checkout, stack: str) -> int:
    ready = prepare.prepare(here, stack)
    return _engine(here, ready, ["preview", *_on(stack)], environment.for_reading(ready.env))


def _refresh(here: Checkout, stack: str) -> int:
    ready = prepare.prepare(here, stack)
    words = ["refresh", *_on(stack), "--yes", "--skip-preview"]
    return _engine(here, ready, words, environment.for_reading(ready.env))


def _engine(here: Checkout, ready: prepare.Ready, words: list[str], env: Mapping[str, str]) -> int:
    """Return the exit status of the engine, which fetches plugins only where the state needs them.

    These are of resources that the declaration has no more, or of an earlier release. Without
    them a run fails at its refresh, before it changed anything.
    """
    argv = [str(ready.pulumi), *words]
    code = engine.run(here, argv, env)
    lacking = _lacking(here, ready) if code else []
    if not lacking:
        return code
    say(f"the state needs {', '.join(lacking)}, not installed here: once more, with leave to fetch")
    return engine.run(here, argv, {k: v for k, v in env.items() if k != environment.NO_FETCHING})


def _lacking(here: Checkout, ready: prepare.Ready) -> list[str]:
    try:
        state = engine.exported(here, ready.pulumi, ready.needs.stack, ready.env)
    except TroubleError:
        return []
    return missing_plugins(here, state or "{}")


def _status(here: Checkout, stack: str) -> int:
    needs = read_needs(here.root, stack)
    backend.require(here, needs, os.environ)
    env = environment.complete(here, needs)
    engine.print_status(here, here.bin / "pulumi", stack, env)
    return 0


def _lock(chosen: Namespace) -> int:
    here, refresh = checkout(chosen.root), chosen.refresh or ""
    prepare.lock(here, chosen.stack, refresh=refresh, newest=chosen.newest)
    return 0


def _env(chosen: Namespace) -> int:
    here = checkout(chosen.root)
    needs = read_needs(here.root, chosen.stack)
    if needs.port is not None:
        certificates.ensure(here)
        signing_key.ensure(here)
    docker_config.share(here, needs, os.environ)
    gone = environment.unset(here, needs, os.environ)
    print(environment.exports(environment.settings(here, needs, os.environ), gone), end="")
    return 0


def _checksums(chosen: Namespace) -> int:
    count = published.record(chosen.root)
    say(f"recorded the SHA-256 of {count} archives in {published.RECORDED}; compare and commit it")
    return 0


def _down(chosen: Namespace) -> int:
    cleanup.down(checkout(chosen.root))
    return 0


def _clean(chosen: Namespace) -> int:
    cleanup.clean(checkout(chosen.root))
    return 0


_COMMANDS: dict[str, tuple[str, Run]] = {
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
