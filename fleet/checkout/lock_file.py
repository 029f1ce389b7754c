"""Where a stack's lock lies, and reading it."""

from pathlib import Path

from fleet.checkout import strict_yaml
from fleet.declaration.model import Declaration
from fleet.declaration.problems import Fault, Problems
from fleet.lock.model import Lock, command
from fleet.lock.official_bases import LIBRARY
from fleet.lock.serialization import parse


def lock_file(root: Path, stack: str, declaration: Declaration) -> Path:
    """Return the path of the lock of ``stack``.

    A lock is committed, but for a registry on loopback: its base images were made on this machine,
    so their digests mean nothing on another. Stacks that share a fleet share its lock.
    """
    folder = root / ".fleet" / "locks" if declaration.is_local else root / "locks"
    return folder / f"{declaration.fleet_of(stack)}.yaml"


def not_written(stack: str, declaration: Declaration) -> Fault:
    """Return what is not known while ``stack`` has no lock, and the command that writes it."""
    what = (
        "was not written yet, so the digests of the base images and the files to install are not "
        "known"
    )
    remedy = f"Run {command(declaration.fleet_of(stack))}"
    if declaration.is_local:
        return Fault(what, remedy)
    return Fault(
        what,
        f"{remedy}, which asks {declaration.base_registry or LIBRARY} (fleet:base-registry names "
        f"a mirror) and {declaration.index} for them and needs no state, and commit the file",
    )


def read_lock(path: Path) -> Lock:
    """Return the lock at ``path``, named for its stack; one that was not written yet is empty.

    :raises DeclarationError: with every problem of the file.
    """
    if not path.exists():
        return Lock()
    problems = Problems()
    values = strict_yaml.load(path, problems)
    return parse(values, path.name, path.stem, problems)
