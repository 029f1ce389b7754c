"""Everything that a pull request can be checked for without a secret, a state or a registry."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fleet.plan import make_plan
from fleet.problems import DeclarationError, Problem
from inputs.gather import gather
from inputs.stack import PROJECT, config_file, declaration_of_file
from inputs.templates import read_templates
from render import github

_LOCKS = ("requirements.lock", "requirements-dev.lock")


def check(root: Path, stack: str) -> str:
    """Plan the declaration of ``stack``, render its files, compare pins; return a line about it.

    :raises DeclarationError: with every problem of the first of these that has any.
    """
    declaration = declaration_of_file(config_file(root, stack))
    inputs = gather(root, stack, declaration)
    plan = make_plan(declaration, inputs, owner=f"{PROJECT}/{stack}")
    files = github.files(declaration, stack, read_templates(root))
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
