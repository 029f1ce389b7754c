"""A state in files that ends in the middle, as a disk that ran full leaves it."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fleet.checkout.stack_config import PROJECT
from fleet.local import backend, reach

_RUNBOOK = "docs/runbook.md#the-state-cant-be-read"


def remedy(root: Path, stack: str, env: Mapping[str, str]) -> str:
    """Return what is broken of the state of ``stack`` and how to repair it, nothing if it is whole.

    The engine moves the state to ``.json.bak`` and writes the new one in its place. On a full disk
    neither is whole after two tries, and it can neither export nor import. Each update has left a
    copy in ``.pulumi/backups`` as well.
    """
    folder = backend.folder(root, env)
    if folder is None or not reach.is_dir(kept := folder / ".pulumi"):
        return ""
    broken = _locks(kept, stack)
    commands = [_command("rm", path) for path in broken]
    state = kept / "stacks" / PROJECT / f"{stack}.json"
    if state.exists() and not _is_whole(state):
        broken = [state, *broken]
        copy = _newest_copy(kept, stack)
        if copy:
            commands.append(_command("cp", copy, state))
        else:
            # Where no copy is whole, the declared tags are taken under management again.
            commands.append(_command("rm", "-f", state, state.with_name(f"{state.name}.bak")))
            commands.append(_command("make", "adopt", f"STACK={stack}", "APPLY=1"))
    if not broken:
        return ""
    named, place = ", ".join(map(str, broken)), shlex.quote(str(folder))
    lines = [
        f"Not whole: {named}. A disk that is full leaves such files.",
        f"Make room (df -h {place}), then run this, and make up again ({_RUNBOOK}):",
        *(f"  {command}" for command in commands),
    ]
    return "\n".join(lines)


def _newest_copy(kept: Path, stack: str) -> Path | None:
    backup = kept / "stacks" / PROJECT / f"{stack}.json.bak"
    copies = [backup, *(kept / "backups" / PROJECT / stack).glob("*.json")]
    whole = [path for path in copies if path.exists() and _is_whole(path)]
    return max(whole, key=lambda path: path.stat().st_mtime_ns, default=None)


def _locks(kept: Path, stack: str) -> list[Path]:
    """Return the locks that nobody can read: the engine stops at each."""
    found = (kept / "locks" / "organization" / PROJECT / stack).glob("*")
    return sorted(path for path in found if path.is_file() and _read(path) is None)


def _is_whole(path: Path) -> bool:
    found = _read(path)
    return isinstance(found, dict) and isinstance(found.get("checkpoint"), dict)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _command(*words: object) -> str:
    return shlex.join(map(str, words))
