"""Which files of a folder BuildKit is sent: those that its allow-list ``.dockerignore`` names."""

import posixpath
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from fleet.declaration.problems import DeclarationError, Problem

NAME = ".dockerignore"
OF_DOCKERFILE = "Dockerfile.dockerignore"
"""An allow-list beside a Dockerfile, which docker-build and BuildKit take in place of the other."""

_WILDCARD = "*"
# Docker, git and fnmatch each read these in their own way, and an image must not hang on that.
_REFUSED = ("**", "?", "[", "]", "\\")
_REMEDY = (
    "Begin with a line *, then name each file to send by a line !path, "
    f"in which * is the one wildcard, without {' '.join(_REFUSED)}"
)


def matching(folder: Path, patterns: Iterable[str]) -> list[Path]:
    """Return the files and links below ``folder`` that one of ``patterns`` admits, sorted."""
    split = [pattern.split("/") for pattern in patterns]
    found = (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return sorted(p for p in found if _matches(p.relative_to(folder).parts, split))


def patterns_of(folder: Path, name: str = NAME) -> tuple[str, ...]:
    """Return the patterns of the allow-list ``name`` in ``folder``: paths, with ``*``.

    :raises DeclarationError: when it is missing or no allow-list: first ``*``, then lines
        ``!path``. What is not named must not reach an image, nor its identity. And when another
        one takes its place in a build.
    """
    if name == NAME and (folder / OF_DOCKERFILE).exists():
        place = f"{folder.parent.name}/{folder.name}/{OF_DOCKERFILE}"
        what = f"would take the place of {NAME} in a build"
        raise DeclarationError([Problem(path=place, what=what, remedy=f"Merge it into {NAME}")])
    path = folder / name
    lines = [line.strip() for line in path.read_text().splitlines()] if path.is_file() else []
    rules = [line for line in lines if line and not line.startswith("#")]
    patterns = tuple(map(_pattern, rules[1:]))
    if rules[:1] not in (["*"], ["**"]) or not all(patterns):
        place = f"{folder.parent.name}/{folder.name}/{name}"
        raise DeclarationError([Problem(path=place, what="is not an allow-list", remedy=_REMEDY)])
    return patterns


def _pattern(rule: str) -> str:
    """Return the path that a line ``!path`` names, or nothing where it names none."""
    if not rule.startswith("!") or any(refused in rule for refused in _REFUSED):
        return ""
    # As Docker cleans it: what it sends for !./start.sh is start.sh.
    path = posixpath.normpath(f"/{rule[1:].strip().lstrip('/')}").strip("/")
    return path if path != "." else ""


def pathspecs(folder: Path, patterns: Iterable[str]) -> Iterator[str]:
    """Yield what tells git the paths below ``folder`` that ``patterns`` admit, gone ones too."""
    for pattern in patterns:
        path = (folder / pattern).as_posix()
        if _WILDCARD in pattern:
            # A folder's content is admitted with it, which git takes for granted of a plain path.
            yield from (f":(glob){path}", f":(glob){path}/**")
        else:
            yield f":(literal){path}"


def _matches(parts: tuple[str, ...], patterns: list[list[str]]) -> bool:
    """Tell whether a pattern names a path or a folder above it; ``*`` stays within a folder."""
    return any(
        len(wanted) <= len(parts) and all(map(fnmatchcase, parts, wanted)) for wanted in patterns
    )
