"""A state in files that ends in the middle, as a disk that ran full leaves it."""

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from fleet.checkout.stack_config import PROJECT
from fleet.local import backend


def remedy(root: Path, stack: str, env: Mapping[str, str]) -> str:
    """Return what is broken of the state of ``stack`` and how to repair it, nothing if it is whole.

    The engine moves the state to ``.json.bak`` and writes the new one in its place. On a full disk
    neither is whole after two tries, and it can neither export nor import. Each update has left a
    copy in ``.pulumi/backups`` as well.
    """
    folder = backend.folder(root, env)
    if folder is None:
        return ""
    kept = folder / ".pulumi"
    broken = _locks(kept, stack)
    commands = [_command("rm", path) for path in broken]
    state = kept / "stacks" / PROJECT / f"{stack}.json"
    if state.exists() and not _is_whole(state):
        broken = [state, *broken]
        copy = _newest_copy(kept, stack)
        commands += [_command("cp", copy, state)] if copy else _commands_of_a_loss(state, stack)
    if not broken:
        return ""
    named = ", ".join(map(str, broken))
    lines = [
        f"Not whole: {named}. A disk that is full leaves such files.",
        f"Make room (df -h {shlex.quote(str(folder))}), then run this, and make up again:",
        *(f"  {command}" for command in commands),
    ]
    return "\n".join(lines)


def _commands_of_a_loss(state: Path, stack: str) -> list[str]:
    """Return what takes the declared tags under management where no copy of the state is whole."""
    backup = state.with_name(f"{state.name}.bak")
    adopt = _command("make", "adopt", f"STACK={stack}", "APPLY=1")
    return [_command("rm", "-f", state, backup), adopt]


def _newest_copy(kept: Path, stack: str) -> Path | None:
    backup = kept / "stacks" / PROJECT / f"{stack}.json.bak"
    copies = [backup, *(kept / "backups" / PROJECT / stack).glob("*.json")]
    whole = [path for path in copies if path.exists() and _is_whole(path)]
    return max(whole, key=lambda path: path.stat().st_mtime_ns, default=None)


def _locks(kept: Path, stack: str) -> list[Path]:
    """Return the locks that nobody can read: the engine stops at each."""
    folder = kept / "locks" / "organization" / PROJECT / stack
    return sorted(path for path in _files(folder) if not _is_json(path))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*") if path.is_file()) if folder.is_dir() else iter(())


def _is_whole(path: Path) -> bool:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and isinstance(found.get("checkpoint"), dict)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return True


def _command(*words: object) -> str:
    return shlex.join(map(str, words))
