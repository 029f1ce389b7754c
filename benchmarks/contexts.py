"""The hash that docker-build keeps of what a build is sent, as its version 0.0.22 computes it."""

import hashlib
import stat
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path


def context_hash(context: Path, dockerfile: Path, named: Mapping[str, Path]) -> str:
    """Return the SHA-256, in hexadecimal, over the Dockerfile and the files of every context.

    Named contexts come in the order of their names. To them, too, docker-build applies the
    ``.dockerignore`` of the main one (``provider/internal/context.go``), which must be an
    allow-list as :mod:`fleet.checkout.dockerignore` asks for.
    """
    total = hashlib.sha256(dockerfile.read_bytes())
    lines = (line.strip() for line in (context / ".dockerignore").read_text().splitlines())
    patterns = [line[1:].split("/") for line in lines if line.startswith("!")]
    for folder in (context, *(named[name] for name in sorted(named))):
        for path in _sent(folder, patterns):
            name, mode = path.relative_to(folder).as_posix(), path.lstat().st_mode
            total.update(path.read_bytes() + name.encode() + _mode(mode).encode())
    return total.hexdigest()


def _sent(folder: Path, patterns: list[list[str]]) -> list[Path]:
    """Return the files below ``folder`` that a pattern names, each folder's sorted by name."""
    found = {path.relative_to(folder).parts: path for path in folder.rglob("*") if path.is_file()}
    return [path for parts, path in sorted(found.items()) if _is_named(parts, patterns)]


def _is_named(parts: tuple[str, ...], patterns: list[list[str]]) -> bool:
    return any(
        len(wanted) <= len(parts) and all(map(fnmatchcase, parts, wanted)) for wanted in patterns
    )


def _mode(mode: int) -> str:
    # Go writes a link's kind as L, where ls(1) writes l.
    text = stat.filemode(mode)
    return f"L{text[1:]}" if stat.S_ISLNK(mode) else text
