"""The command ``validate``: every problem of a declaration, before the engine."""

import argparse
from pathlib import Path

from fleet.checkout.planning import assets_of, plan_of
from fleet.checkout.stack_config import config_file, declaration_of_file, images_named_in
from fleet.command import Commands
from fleet.declaration.model import Declaration
from fleet.declaration.problems import DeclarationError, Problems
from fleet.plan.lock_completeness import note_missing_assets


def add_to(commands: Commands) -> None:
    """Add the commands of this room."""
    made = commands.add("validate", _validate)
    text = "also check that the lock covers the declaration"
    made.add_argument("--locked", action="store_true", help=text)


def _validate(chosen: argparse.Namespace) -> int:
    check(chosen.root, chosen.stack, locked=chosen.locked)
    return 0


def check(root: Path, stack: str, *, locked: bool = False) -> None:
    """Read the declaration of ``stack`` and the asset folders that it needs.

    With ``locked``, plan it as well: that takes a lock which covers all of it.

    :raises DeclarationError: with every problem found.
    """
    path = config_file(root, stack)
    problems = Problems()
    declaration: Declaration | None = None
    try:
        declaration = declaration_of_file(path)
    except DeclarationError as error:
        problems.found.extend(error.problems)
    names = [i.name for i in declaration.images] if declaration else images_named_in(path)
    for name, found in assets_of(root, names, problems).items():
        if found is None:
            note_missing_assets(name, problems)
    problems.raise_if_any(path.name)
    if declaration and locked:
        plan_of(root, stack, declaration)
