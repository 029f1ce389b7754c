"""``python -m local COMMAND --stack NAME``: the machine around the engine."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from fleet.checkout.split_stacks import stacks_of
from fleet.declaration.problems import DeclarationError
from fleet.http.errors import ReadableError
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
from fleet.local.console import TroubleError, say
from fleet.local.paths import Checkout, checkout
from fleet.local.requirements import read_needs
from fleet.local.toolchain import published


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked for: the stack, and what of its lock is to be resolved again."""

    stack: str
    refresh: str
    newest: str


def main(arguments: list[str]) -> int:
    """Return the exit status: the engine's own, or 1 when something stands in its way."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--stack", default="dev")
    text = "with lock: ask again for base digests and yanked versions; builders: and for these"
    parser.add_argument("--refresh", nargs="?", const="1", choices=["1", "builders"], help=text)
    text = "with lock: resolve the distributions of this image anew, or those of all"
    parser.add_argument("--newest", default="", metavar="IMAGE", help=text)
    chosen = parser.parse_args(arguments)
    for option in ("refresh", "newest"):
        if getattr(chosen, option) and chosen.command != "lock":
            parser.error(f"--{option} goes with lock")
    try:
        asked = Asked(stack=chosen.stack, refresh=chosen.refresh or "", newest=chosen.newest)
        return COMMANDS[chosen.command](checkout(), asked)
    except (TroubleError, DeclarationError, ReadableError, OSError) as error:
        say(f"error: {error}")
    except subprocess.CalledProcessError as error:
        # The step has said why on stderr itself.
        return int(error.returncode)
    except KeyboardInterrupt:
        say("interrupted; what was started goes on (make down stops it)")
    return 1


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
        node_probe.tell(ready.needs)
    try:
        engine.print_status(here, ready.pulumi, asked.stack, ready.env)
    except TroubleError as error:
        say(f"error: {error}")
        return code or 1
    return code


def _preview(here: Checkout, asked: Asked) -> int:
    ready = prepare.prepare(here, asked.stack)
    argv = [str(ready.pulumi), "preview", *_on(asked.stack)]
    return engine.run(here, argv, environment.looking(ready.env))


def _refresh(here: Checkout, asked: Asked) -> int:
    ready = prepare.prepare(here, asked.stack)
    argv = [str(ready.pulumi), "refresh", *_on(asked.stack), "--yes", "--skip-preview"]
    return engine.run(here, argv, environment.looking(ready.env))


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


COMMANDS: dict[str, Command] = {
    "up": _each(_up, builds=True),
    "preview": _each(_preview),
    "refresh": _each(_refresh),
    "lock": _lock,
    "status": _each(_status),
    "env": _env,
    "checksums": _checksums,
    "down": _down,
    "clean": _clean,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
