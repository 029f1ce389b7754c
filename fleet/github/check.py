"""Everything that a pull request can be checked for without a secret, a state or a registry."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fleet.checkout.page_texts import read_sources
from fleet.checkout.planning import plan_of, whole_of
from fleet.checkout.stack_config import config_file, declaration_of_file
from fleet.declaration.problems import DeclarationError, Problem
from fleet.github.render.generated import known_files

_LOCKS = ("requirements.lock", "requirements-dev.lock")


def check(root: Path, stack: str) -> str:
    """Plan the declaration of ``stack``, render its files, compare pins; return a line about it.

    :raises DeclarationError: with every problem of the first of these that has any.
    """
    declaration = declaration_of_file(config_file(root, stack))
    plan = plan_of(root, stack, declaration)
    whole = whole_of(root, stack, declaration, plan)
    files = known_files(whole, read_sources(root, declaration))
    unlocked = tuple(_unlocked(root))
    if unlocked:
        raise DeclarationError(unlocked, "pyproject.toml")
    tags = sum(len(image.tags) for image in plan.images)
    return f"{stack}: {tags} tags of {len(plan.images)} images, {len(files)} files on GitHub"


def _unlocked(root: Path) -> Iterator[Problem]:
    """Yield the pins that a lock does not have: Dependabot knows no such locks."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = project["project"]["dependencies"]
    development = [*runtime, *project["dependency-groups"]["dev"]]
    for name, pins in zip(_LOCKS, (runtime, development), strict=True):
        lock = (root / name).read_text(encoding="utf-8")
        for pin in map(Requirement, pins):
            wanted = f"{canonicalize_name(pin.name)}{pin.specifier}"
            if not any(line.startswith(f"{wanted} ") for line in lock.splitlines()):
                remedy = "Run the two commands in CONTRIBUTING, Dependencies"
                yield Problem(path=pin.name, what=f"{name} does not have {wanted}", remedy=remedy)
