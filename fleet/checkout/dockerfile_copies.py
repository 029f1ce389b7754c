"""Which files a Dockerfile takes from a named context, as far as that is certain.

This is no parser of Dockerfiles. It knows the few ways in which files are commonly taken; what else
names the context, or might, is not understood. The lines of a heredoc are looked at like any
others, which can only find too much.
"""

import posixpath
import re
from collections.abc import Iterator
from itertools import takewhile

_DIRECTIVE = re.compile(r"(?im)^\s*#\s*(?:escape|syntax)\s*=")
_CONTINUED = re.compile(r"(?:^|[^\\])\\[ \t]*$")
_UNCLEAR_FLAG = frozenset("\"'\\")
_UNCLEAR_PATH = frozenset("$*?[]\\\"'<>")


class _NotUnderstoodError(Exception):
    """A line may take files in a way that this module does not know."""


def taken(dockerfile: str, context: str) -> tuple[str, ...] | None:
    """Return the files and folders that the text ``dockerfile`` takes from ``context``.

    They are paths in that context, the empty one all of it. ``None`` says that it is not certain:
    a variable, a wildcard, a stage by its number, or a use of the name that is not known here.
    """
    if _DIRECTIVE.search(dockerfile):
        return None
    try:
        return tuple(dict.fromkeys(p for line in _lines(dockerfile) for p in _of(line, context)))
    except _NotUnderstoodError:
        return None


def _lines(dockerfile: str) -> Iterator[str]:
    """Yield what the builder takes for a line: without comments, continuations joined."""
    pending = ""
    for raw in dockerfile.removeprefix("\ufeff").split("\n"):
        line = raw.rstrip("\r")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if _CONTINUED.search(line):
            pending += line[: line.rindex("\\")]
            continue
        yield (pending + line).strip()
        pending = ""
    if pending.strip():
        yield pending.strip()


def _of(line: str, context: str) -> Iterator[str]:
    if not line.replace("\t", " ").isprintable():
        # Blanks of other kinds part words for some readers and not for others.
        raise _NotUnderstoodError
    keyword, *words = line.split()
    flags = list(takewhile(lambda word: word.startswith("--"), words))
    rest = words[len(flags) :]
    match keyword.upper():
        case "COPY":
            yield from _copied(flags, rest, context)
        case "RUN":
            for mount in _values(flags, "--mount"):
                yield from _mounted(mount, context)
        case "FROM":
            if not rest or context in rest[0].lower():
                raise _NotUnderstoodError
        case _:
            if context in line.lower():
                raise _NotUnderstoodError


def _copied(flags: list[str], rest: list[str], context: str) -> Iterator[str]:
    if not any(_is(context, source) for source in _values(flags, "--from")):
        return
    *sources, _ = rest or [""]
    if not sources or rest[0].startswith("["):
        raise _NotUnderstoodError
    yield from map(_path, sources)


def _mounted(mount: str, context: str) -> Iterator[str]:
    fields = [field.partition("=") for field in mount.split(",")]
    named = [(key.strip().lower(), value.strip()) for key, _, value in fields]
    if not any(_is(context, value) for key, value in named if key == "from"):
        return
    sources = [value for key, value in named if key in ("source", "src")]
    if not sources:
        raise _NotUnderstoodError
    yield from map(_path, sources)


def _values(flags: list[str], name: str) -> list[str]:
    """Return the values of the flag ``name``; a quote may hide anything."""
    if any(_UNCLEAR_FLAG & set(flag) for flag in flags):
        raise _NotUnderstoodError
    return [flag.removeprefix(f"{name}=") for flag in flags if flag.startswith(f"{name}=")]


def _is(context: str, source: str) -> bool:
    """Tell whether ``source``, of a flag ``from``, is ``context``.

    A number may be that of a stage which the context takes the place of, and an image's name in
    full may come down to it.
    """
    if source.lower() == context:
        return True
    if source.isdigit() or "$" in source or context in source.lower():
        raise _NotUnderstoodError
    return False


def _path(source: str) -> str:
    if _UNCLEAR_PATH & set(source):
        raise _NotUnderstoodError
    return posixpath.normpath(f"/{source.lstrip('/')}").strip("/")
