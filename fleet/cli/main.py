"""``python -m fleet COMMAND [--stack NAME]``: one parser for the commands of all rooms."""

import argparse
from collections.abc import Iterable, Mapping
from functools import partial
from importlib import import_module
from typing import Final

from fleet.command import Commands, status_of

ROOMS: Final[Mapping[str, tuple[str, ...]]] = {
    "fleet.local.commands": (
        "up", "preview", "refresh", "lock", "status", "env", "down", "clean", "checksums",
    ),
    "fleet.overview.commands": ("plan", "graph", "docs", "catalog"),
    "fleet.upkeep.commands": ("restore", "adopt", "prune", "split", "verify", "sbom"),
    "fleet.upkeep.history_commands": ("history", "rollback"),
    "fleet.releases.commands": ("versions", "resolve"),
    "fleet.advisories.commands": ("audit",),
    "fleet.checkout.commands": ("validate",),
    "fleet.github.commands": (
        "check", "doctor", "page", "comment", "report", "removals", "drift", "repair", "collect",
        "proposal",
    ),
}  # fmt: skip
"""The commands of each room: a room is imported only where one of them is asked for."""

_EPILOG = """\
exit status:
  0  done, and nothing is wrong
  1  not done, or something is wrong: the reason is on stderr
  2  the command line is not understood
  other: the status of the Pulumi engine
"""


def main(arguments: list[str]) -> int:
    """Return the exit status: see the help; the reason of a failure is on stderr."""
    asked = arguments[0] if arguments else ""
    rooms = [room for room, names in ROOMS.items() if asked in names] or ROOMS
    chosen = parser(rooms).parse_args(arguments)
    return status_of(partial(chosen.run, chosen), chosen.interrupted)


def parser(rooms: Iterable[str]) -> argparse.ArgumentParser:
    """Return a parser of the commands of ``rooms``, modules of this program."""
    found = argparse.ArgumentParser(
        prog="fleet",
        description="A fleet of container images, made equal to its declaration.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = Commands(found.add_subparsers(required=True, metavar="COMMAND", title="commands"))
    for room in rooms:
        import_module(room).add_to(commands)
    return found
