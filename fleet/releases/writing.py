"""The lock as text, and files written all or none."""

import os
from collections.abc import Mapping
from pathlib import Path

import yaml

from fleet.lock.model import Lock
from fleet.lock.serialization import values_of
from fleet.releases.discovery.change import DiscoveryError

_HEADER = "# Written by `make lock`: what was resolved from outside. Not to be edited by hand.\n"


def text_of(lock: Lock) -> bytes:
    """Return the file that holds ``lock``."""
    return (_HEADER + yaml.safe_dump(values_of(lock), sort_keys=False, width=100)).encode()


def write_all(texts: Mapping[Path, bytes], expected: Mapping[Path, bytes] | None = None) -> None:
    """Replace every file by its new content, or none, as where one is no more what is ``expected``.

    Each is written whole beside its place before the first is replaced. What fails then puts back
    what was there; after a crash between two replacements a file is old or new, never half of both.

    :raises DiscoveryError: when one is not what was expected.
    :raises OSError: when one can't be written.
    """
    for path, content in (expected or {}).items():
        if path.read_bytes() != content:
            raise DiscoveryError(f"{path.name} was changed meanwhile.\nRun this again")
    fresh = {path: path.with_name(f".{path.name}.{os.getpid()}") for path in texts}
    before = {path: path.read_bytes() if path.exists() else None for path in texts}
    replaced: list[Path] = []
    try:
        for path, beside in fresh.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(texts[path])
            if path.exists():
                beside.chmod(path.stat().st_mode)
        for path, beside in fresh.items():
            beside.replace(path)
            replaced.append(path)
    except BaseException:
        for path in replaced:
            if (old := before[path]) is None:
                path.unlink()
            else:
                path.write_bytes(old)
        raise
    finally:
        for beside in fresh.values():
            beside.unlink(missing_ok=True)
