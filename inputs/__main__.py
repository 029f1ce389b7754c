"""``python -m inputs check --stack NAME``: every problem of a declaration, before the engine."""

import argparse
import sys
from pathlib import Path

from fleet.coverage import note_missing_assets
from fleet.problems import DeclarationError, Problems
from inputs.assets import read_assets
from inputs.planning import plan_of
from inputs.stack import config_file, declaration_of_file


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
    declaration = declaration_of_file(path)
    if locked:
        plan_of(root, stack, declaration)
        return
    problems = Problems()
    for image in declaration.images:
        if read_assets(root, image.name) is None:
            note_missing_assets(image.name, problems)
    problems.raise_if_any(path.name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
