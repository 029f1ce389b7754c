"""Folders and files that no other user of this machine can open."""

import os
import tempfile
from contextlib import suppress
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
    # A link would be followed, and what it leads to is not ours.
    if path.is_file() and not path.is_symlink() and not path.stat().st_mode & 0o077:
        with suppress(ValueError):
            if path.read_text() == text:
                return
    make_folder(path.parent)
    # mkstemp opens the file with the mode 0600.
    number, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(number, "w") as file:
            file.write(text)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
