"""Where a stack's lock lies, and reading it."""

from pathlib import Path

from fleet.checkout import strict_yaml
from fleet.declaration.model import Declaration
from fleet.declaration.problems import Problems
from fleet.lock.model import Lock
from fleet.lock.serialization import parse


def lock_file(root: Path, stack: str, declaration: Declaration) -> Path:
    """Return the path of the lock of ``stack``.

    A lock is committed, but for a registry on loopback: its base images were made on this machine,
    so their digests mean nothing on another. Stacks that share a fleet share its lock.
    """
    folder = root / ".fleet" / "locks" if declaration.is_local else root / "locks"
    return folder / f"{declaration.fleet_of(stack)}.yaml"


def read_lock(path: Path) -> Lock:
    """Return the lock at ``path``, named for its stack; one that was not written yet is empty.

    :raises DeclarationError: with every problem of the file.
    """
    if not path.exists():
        return Lock()
    problems = Problems()
    values = strict_yaml.load(path, problems)
    return parse(values, path.name, path.stem, problems)
