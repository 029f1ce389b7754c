"""All inputs of a plan, gathered from a checkout."""

import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

from fleet.checkout.image_source import read_assets
from fleet.checkout.lock_file import lock_file, read_lock
from fleet.declaration.model import Declaration
from fleet.declaration.problems import DeclarationError, Problems
from fleet.lock.model import command, platform_of
from fleet.plan.plan_inputs import Assets, Inputs


def gather(root: Path, stack: str, declaration: Declaration) -> Inputs:
    """Return the lock and the asset digests that ``declaration`` needs.

    :raises DeclarationError: when the lock was not written yet, or it or an asset folder is
        unreadable.
    """
    path = lock_file(root, stack, declaration)
    if not path.exists():
        _tell_missing(path.relative_to(root).as_posix(), stack, declaration.fleet_of(stack))
    problems = Problems()
    assets = assets_of(root, declaration.by_name, problems)
    problems.raise_if_any()
    return Inputs(
        lock=read_lock(path),
        assets={name: found for name, found in assets.items() if found is not None},
        stack=declaration.fleet_of(stack),
        native=platform_of(platform.machine()),
        source=f"Pulumi.{stack}.yaml with {path.relative_to(root).as_posix()}",
    )


def assets_of(root: Path, images: Iterable[str], problems: Problems) -> Mapping[str, Assets | None]:
    """Return the asset folders of each image, ``None`` where they lack.

    Of one that can't be read, the problems are noted.
    """
    found: dict[str, Assets | None] = {}
    for image in images:
        try:
            found[image] = read_assets(root, image)
        except DeclarationError as error:
            for problem in error.problems:
                problems.add(problem.path, problem.what, problem.remedy)
    return found


def _tell_missing(lock: str, stack: str, fleet: str) -> None:
    """Say it once: without a lock, every base and distribution of the matrix would be missing."""
    problems = Problems()
    problems.add(lock, "was not written yet", f"Run {command(fleet)}")
    problems.raise_if_any(f"Pulumi.{stack}.yaml")
