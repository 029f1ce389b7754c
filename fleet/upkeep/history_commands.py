"""The commands about what tags named before."""

import argparse
import asyncio
import json
import re
import sys

from fleet.checkout.planning import owner_of
from fleet.checkout.stack_config import config_file, declaration_of_file
from fleet.command import Commands
from fleet.declaration.logins import variables
from fleet.local.paths import Checkout
from fleet.upkeep import history
from fleet.upkeep.connection import opened
from fleet.upkeep.entering import entered

_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?")


def add_to(commands: Commands) -> None:
    """Add the commands of this module."""
    text = "Print which digest a tag had, since when and why"
    one = commands.add("history", text, entered(_history))
    one.add_argument("--tag", default="", help="one tag only, such as py3.12-LATEST")
    one.add_argument("--image", default="", help="one image only, declared or not")
    one.add_argument(
        "--at", type=_at, default="",
        help="a day or a time in UTC: 2026-11-03 or 2026-11-03T08:00:00Z",
    )  # fmt: skip
    one.add_argument("--json", action="store_true", help="print it as JSON")


def _history(here: Checkout, chosen: argparse.Namespace) -> int:
    declaration = declaration_of_file(config_file(here.root, chosen.stack))
    places = history.repositories(declaration, chosen.image)
    owner = owner_of(chosen.stack, declaration)

    async def run() -> history.Histories:
        async with opened(variables(declaration.logins)) as connection:
            return await history.read(connection.registry, places, owner)

    found = history.chosen(asyncio.run(run()), chosen.tag, chosen.at)
    text = json.dumps(history.document(found), indent=2) if chosen.json else history.report(found)
    sys.stdout.write(f"{text}\n")
    return 0


def _at(text: str) -> str:
    if not _AT.fullmatch(text):
        raise argparse.ArgumentTypeError("write a day or a time in UTC: 2026-11-03")
    return text
