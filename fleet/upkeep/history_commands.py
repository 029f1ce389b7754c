"""The commands about what tags named before."""

import argparse
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fleet.checkout.planning import owner_of
from fleet.checkout.stack_config import config_file, declaration_of_file, whole_stack
from fleet.command import Commands
from fleet.console import TroubleError, show
from fleet.declaration.logins import variables
from fleet.declaration.schema import matches
from fleet.local.paths import Checkout
from fleet.local.terminal import Terminal
from fleet.releases.discovery.discover import declared
from fleet.releases.pin_edit import with_pin, without_pin
from fleet.releases.writing import write_all
from fleet.upkeep import history, rollback
from fleet.upkeep.connection import asked
from fleet.upkeep.entering import entered, planned
from fleet.upkeep.images import declaring
from fleet.upkeep.records import declared_mirrors

_DAYS = 30
_DECLARED = "declared"
"""For `--to`: what is declared, which ends a rollback."""
_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?")


def add_to(commands: Commands) -> None:
    """Add the commands of this module."""
    one = commands.add("history", entered(_history))
    one.add_argument("--tag", default="", help="only this tag, such as py3.12-LATEST")
    one.add_argument(
        "--image",
        default="",
        help="only this image, declared or not; at a mirror, the whole repository "
        "(host/namespace/name)",
    )
    one.add_argument(
        "--at", type=_at, default=None, metavar="TIME",
        help="what tags named at this time or on this day (UTC): 2026-11-03T08:00:00Z, 2026-11-03",
    )  # fmt: skip
    one.add_argument("--json", action="store_true", help="print JSON")
    two = commands.add("rollback", entered(_rollback))
    two.add_argument("--tag", required=True, help="the tag, such as py3.12-LATEST")
    two.add_argument("--image", default="", help="the image, where several have the tag")
    text = (
        "pin a pointer to this version, or a version tag to this digest of the list; "
        f"{_DECLARED}: remove the pin"
    )
    two.add_argument("--to", default="", help=text)
    text = "why it is pinned, for the declaration; `%(default)s` if not given"
    two.add_argument("--because", default="rolled back", metavar="REASON", help=text)
    text = f"when the pin ends, such as 2026-12-31; in {_DAYS} days if not given"
    two.add_argument("--until", type=_day, default=None, metavar="DAY", help=text)


def _history(here: Checkout, chosen: argparse.Namespace) -> int:
    declaration = declaration_of_file(config_file(here.root, chosen.stack))
    places = history.repositories(declaration, chosen.image)
    owner = owner_of(chosen.stack, declaration)
    mirrors = declared_mirrors(declaration, places)
    histories = asked(
        variables(declaration.logins), lambda one: history.read(one, places, owner, mirrors)
    )
    found = history.chosen(histories, chosen.tag, chosen.at or "")
    text = (
        json.dumps(history.document(found), indent=2)
        if chosen.json
        else history.report(found, Terminal().width)
    )
    show(text)
    return 0


def _rollback(here: Checkout, chosen: argparse.Namespace) -> int:
    plan = planned(here, chosen.stack)
    image = declaring(plan, chosen.tag, chosen.image)
    path = config_file(here.root, whole_stack(here.root, chosen.stack))
    if chosen.to == _DECLARED:
        show(unpin(path, image.name, chosen.tag))
        return 0
    past = asked(plan.logins, lambda one: rollback.read(one, plan, image, chosen.tag))
    if not chosen.to:
        show(rollback.report(past, Terminal().width))
        return 0
    until = chosen.until or (datetime.now(UTC).date() + timedelta(days=_DAYS)).isoformat()
    pin = rollback.pinned(past, chosen.to, chosen.because, until)
    before = path.read_bytes()
    _replace(path, before, with_pin(before.decode(), image.name, chosen.tag, pin))
    show(f"{path.name}: {chosen.tag} is pinned to {pin.to} until {until}.")
    show(rollback.outlook(past, pin))
    return 0


def unpin(path: Path, image: str, tag: str) -> str:
    """Take the pin of a tag out of a stack's file; return what there is to say of it.

    :raises TroubleError: if there is none.
    """
    before = path.read_bytes()
    after = without_pin(before.decode(), image, tag)
    if after.encode() == before:
        raise TroubleError(
            f"{path.name}: {tag} of {image} is not pinned.\n`make plan` shows each pin"
        )
    _replace(path, before, after)
    return f"{path.name}: {tag} is pinned no more.\n`make up` points it at what is declared"


def _replace(path: Path, before: bytes, after: str) -> None:
    # What could not be read again must not stand there.
    declared(after, path.name)
    write_all({path: after.encode()}, {path: before})


def _day(text: str) -> str:
    if not matches(text, "day"):
        raise argparse.ArgumentTypeError("write a day: 2026-12-31")
    return text


def _at(text: str) -> str:
    if not _AT.fullmatch(text):
        raise argparse.ArgumentTypeError("write a day or a time in UTC: 2026-11-03")
    return text
