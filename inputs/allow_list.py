"""Which files of a folder BuildKit is sent: those that its allow-list ``.dockerignore`` names."""

from fnmatch import fnmatchcase
from pathlib import Path

from fleet.problems import DeclarationError, Problem

NAME = ".dockerignore"


def allowed(folder: Path) -> list[Path]:
    """Return the files and links below ``folder`` that a build is sent, sorted.

    :raises DeclarationError: when the folder's ``.dockerignore`` is missing or no allow-list: first
        ``*``, then lines ``!path``. What is not named must not reach an image, nor its identity.
    """
    patterns = _patterns(folder / NAME)
    found = (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return sorted(p for p in found if _matches(p.relative_to(folder).as_posix(), patterns))


def _patterns(path: Path) -> list[str]:
    lines = [line.strip() for line in path.read_text().splitlines()] if path.is_file() else []
    rules = [line for line in lines if line and not line.startswith("#")]
    if rules[:1] not in (["*"], ["**"]) or not all(map(_is_exception, rules[1:])):
        place = f"{path.parent.parent.name}/{path.parent.name}/{NAME}"
        remedy = "Begin with a line *, then name each file to send by a line !path"
        raise DeclarationError([Problem(path=place, what="is no allow-list", remedy=remedy)])
    return [rule[1:].strip("/") for rule in rules[1:]]


def _is_exception(rule: str) -> bool:
    """Tell whether a line names files; ``**`` would need all of Docker's pattern language."""
    return rule.startswith("!") and "**" not in rule


def _matches(path: str, patterns: list[str]) -> bool:
    """Tell whether a pattern names ``path`` or a folder above it; ``*`` stays within a folder."""
    parts = path.split("/")
    return any(
        len(wanted) <= len(parts) and all(map(fnmatchcase, parts, wanted))
        for wanted in (pattern.split("/") for pattern in patterns)
    )
