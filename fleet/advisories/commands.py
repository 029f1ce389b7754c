"""The command that prints what is known against what the lock holds; it asks nobody."""

import argparse
import json
from datetime import UTC, datetime

from fleet.advisories.audit import UNDECLARED, audit, text
from fleet.checkout.lock_file import lock_file, read_lock
from fleet.checkout.stack_config import config_file, declaration_of_file
from fleet.command import Commands
from fleet.console import TroubleError, printable, show


def add_to(commands: Commands) -> None:
    """Add the commands of this room."""
    made = commands.add("audit", _audit)
    made.add_argument("--json", action="store_true", help="print JSON")


def _audit(chosen: argparse.Namespace) -> int:
    declaration = declaration_of_file(config_file(chosen.root, chosen.stack))
    if declaration.advisories is None:
        raise TroubleError(UNDECLARED)
    lock = read_lock(lock_file(chosen.root, chosen.stack, declaration))
    if lock.advisories is None:
        raise TroubleError(
            "the lock has no advisories: none were fetched since fleet:advisories was declared.\n"
            f"Run `make versions STACK={declaration.fleet_of(chosen.stack)}`"
        )
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    rows, problems = audit(declaration, lock, today), declaration.advisories.problems(today)
    if chosen.json:
        images = {name: [row.values for row in found] for name, found in rows.items()}
        show(json.dumps({"images": images, "problems": problems}, indent=2))
    else:
        show(printable(text(rows, problems)))
    return 0
