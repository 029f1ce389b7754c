"""All inputs of a plan, read from a checkout."""

from pathlib import Path

from fleet.declaration import Declaration
from fleet.inputs import Inputs
from inputs.assets import read_assets
from inputs.locks import lock_file, read_lock


def gather(root: Path, stack: str, declaration: Declaration) -> Inputs:
    """Return the lock and the asset digests that ``declaration`` needs.

    :raises DeclarationError: when the lock or an asset folder is unreadable.
    """
    path = lock_file(root, stack, declaration)
    found = {name: read_assets(root, name) for name in declaration.by_name}
    return Inputs(
        lock=read_lock(path),
        assets={name: assets for name, assets in found.items() if assets is not None},
        source=f"Pulumi.{stack}.yaml with {path.relative_to(root).as_posix()}",
    )
