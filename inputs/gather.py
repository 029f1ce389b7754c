"""All inputs of a plan, read from a checkout."""

from pathlib import Path

from fleet.declaration import Declaration
from fleet.inputs import Inputs
from fleet.problems import Problems
from inputs.assets import read_assets
from inputs.locks import lock_file, read_lock


def gather(root: Path, stack: str, declaration: Declaration) -> Inputs:
    """Return the lock and the asset digests that ``declaration`` needs.

    :raises DeclarationError: when the lock was not written yet, or it or an asset folder is
        unreadable.
    """
    path = lock_file(root, stack, declaration)
    if not path.exists():
        _tell_missing(path.relative_to(root).as_posix(), declaration.fleet_of(stack))
    found = {name: read_assets(root, name) for name in declaration.by_name}
    return Inputs(
        lock=read_lock(path),
        assets={name: assets for name, assets in found.items() if assets is not None},
        source=f"Pulumi.{stack}.yaml with {path.relative_to(root).as_posix()}",
    )


def _tell_missing(lock: str, stack: str) -> None:
    """Say it once: without a lock, every base and distribution of the matrix would be missing."""
    problems = Problems()
    problems.add(lock, "was not written yet", f"Run `make lock STACK={stack}`")
    problems.raise_if_any(f"Pulumi.{stack}.yaml")
