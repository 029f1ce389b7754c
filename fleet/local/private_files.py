"""Folders and files that no other user of this machine can open."""

import os
import tempfile
from pathlib import Path


def make_folder(path: Path) -> None:
    """Have a folder at ``path`` that is this user's alone, whatever rights an older one had."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)


def write(path: Path, text: str) -> None:
    """Have a file at ``path`` hold ``text``, at no moment half of it or open to others.

    A file that already is so keeps its time, by which its readers see a change.
    """
    if _is_so(path, text):
        return
    make_folder(path.parent)
    # mkstemp opens the file with the mode 0600.
    number, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(number, "w") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _is_so(path: Path, text: str) -> bool:
    try:
        # A link would be followed, and what it leads to is not ours.
        if path.is_symlink() or path.stat().st_mode & 0o077:
            return False
        return path.read_text() == text
    except (OSError, ValueError):
        return False
