"""``python -m fleet COMMAND [--stack NAME]``: one parser for the commands of all rooms."""

import argparse
import os
import shutil
import textwrap
from collections.abc import Iterable
from importlib import import_module

from fleet.cli.groups import GROUPS, ROOMS, TEXTS
from fleet.cli.removed import COMMANDS, refuse_removed
from fleet.command import Commands, status_of

_ABOUT = """\
A fleet of container images, made equal to its declaration.
`fleet COMMAND --help` describes the flags of a command."""
_EPILOG = """\
environment:
  FLEET_REPORT    the file of a run's report, as JSON
  FLEET_REMOVALS  the folder for reports of previews that would remove tags
  FLEET_VERSIONS  the file with what versions printed
  FLEET_PROPOSAL  the folder for what a pull request proposes

exit status:
  0  done, and nothing is wrong
  1  not done, or something is wrong: the reason is on stderr
  2  the command line is not understood
  other: the status of the Pulumi engine
"""


def main(arguments: list[str]) -> int:
    """Return the exit status: see the help; the reason of a failure is on stderr."""
    asked = arguments[0] if arguments else ""
    rooms = [room for room, names in ROOMS.items() if asked in names]
    known = parser(rooms)
    if not rooms and asked not in {"", "-h", "--help"}:
        renamed = COMMANDS.get(asked)
        remedy = f"it is `fleet {renamed}` now" if renamed else "`fleet --help` lists them"
        known.error(f"{asked!r} is not a command: {remedy}")
    chosen = known.parse_args(arguments)

    def run() -> int:
        # What stops daemons works in the shell that there is.
        if asked not in {"down", "clean"}:
            refuse_removed(os.environ)
        return int(chosen.run(chosen))

    return status_of(run, chosen.interrupted)


def parser(rooms: Iterable[str]) -> argparse.ArgumentParser:
    """Return a parser of the commands of ``rooms``, modules of this program."""
    found = argparse.ArgumentParser(
        prog="fleet",
        usage="%(prog)s COMMAND [FLAG ...]",
        description=_description(),
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = found.add_subparsers(
        prog=found.prog, required=True, metavar="COMMAND", help=argparse.SUPPRESS
    )
    commands = Commands(subparsers, TEXTS)
    for room in rooms:
        import_module(room).add_to(commands)
    return found


def _description() -> str:
    indent = max(map(len, TEXTS)) + 4
    width = max(shutil.get_terminal_size().columns, 2 * indent)
    lines = [_ABOUT]
    for title, group in GROUPS.items():
        lines += ["", f"{title}:"]
        lines += [
            textwrap.fill(
                TEXTS[name],
                width,
                initial_indent=f"  {name}".ljust(indent),
                subsequent_indent=" " * indent,
            )
            for name in group
        ]
    return "\n".join(lines)
