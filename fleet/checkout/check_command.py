"""``python -m inputs check --stack NAME``: every problem of a declaration, before the engine."""

import argparse
import sys
from pathlib import Path

from fleet.checkout.planning import plan_of
from fleet.checkout.project import assets_of
from fleet.checkout.stack_config import config_file, declaration_of_file, images_named_in
from fleet.declaration.model import Declaration
from fleet.declaration.problems import DeclarationError, Problems
from fleet.plan.lock_completeness import note_missing_assets


def main(arguments: list[str]) -> int:
    """Return 0 when the declaration is sound, else 1 with all its problems on stderr."""
    parser = argparse.ArgumentParser(prog="python -m inputs", description=__doc__)
    parser.add_argument("command", choices=["check"])
    parser.add_argument("--stack", default="dev")
    parser.add_argument("--root", type=Path, default=Path.cwd())
    text = "also check that the lock covers the declaration"
    parser.add_argument("--locked", action="store_true", help=text)
    chosen = parser.parse_args(arguments)
    try:
        check(chosen.root, chosen.stack, locked=chosen.locked)
    except DeclarationError as error:
        print(error, file=sys.stderr)
        return 1
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
