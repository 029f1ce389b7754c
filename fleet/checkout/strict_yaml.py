"""YAML in which a key that is given twice is a problem, not the last one's silent victory.

It is read by libyaml: a lock of 5,000 distributions in 0.7 s, where PyYAML's own parser takes 5.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from fleet.declaration.problems import DeclarationError, Problem, Problems

# What nests too deep ends the process in libyaml's composer, from somewhat over 10,000 levels on:
# each level takes a bracket, or a column of a line's beginning.
_MOST_BRACKETS = 5000
_DEEP_LINE = re.compile(r"^[ \t?-]{1000}", re.MULTILINE)


def load(path: Path, problems: Problems) -> dict[str, Any]:
    """Return the mapping in the YAML file at ``path``; repeated keys are noted in ``problems``.

    :raises DeclarationError: when the file is missing, unreadable, no YAML or no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise _failure(path, "there is no such file", "Check the stack's name") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _failure(path, f"can't be read: {error}", "Make it a readable text file") from None
    if text.count("[") + text.count("{") > _MOST_BRACKETS or _DEEP_LINE.search(text):
        raise _too_deep(path)
    try:
        loader = yaml.CSafeLoader(text)
        node = loader.get_single_node()
        values = loader.construct_document(node) if node is not None else None
        problems.found.extend(_repeats(node, "", set()) if node is not None else ())
    except RecursionError:
        raise _too_deep(path) from None
    except (yaml.YAMLError, ValueError) as error:
        # A date that is none, such as 2024-13-45, is a ValueError.
        told = str(error).replace('"<unicode string>"', path.name)
        raise _failure(path, f"is not YAML: {told}", "Correct it there") from None
    if values is not None and not isinstance(values, dict):
        raise _failure(path, "holds no mapping", "Write key: value lines")
    return values or {}


def _too_deep(path: Path) -> DeclarationError:
    return _failure(path, "nests deeper than any such file does", "Write fewer levels and brackets")


def _failure(path: Path, what: str, remedy: str) -> DeclarationError:
    return DeclarationError([Problem(path=path.name, what=what, remedy=remedy)])


def _repeats(node: yaml.Node, path: str, seen: set[int]) -> Iterator[Problem]:
    if id(node) in seen:  # an alias: its anchor was looked at, and may even hold the alias
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            yield from _repeats(child, f"{path}[{index}]", seen)
    if not isinstance(node, yaml.MappingNode):
        return
    first: dict[str, int] = {}
    for key, child in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        # The engine's "config" wrapper is no part of the paths that maintainers know.
        inner = name if path in ("", "config") else f"{path}.{name}"
        if name in first:
            what = f"is given twice, on lines {first[name]} and {line}"
            yield Problem(path=inner, what=what, remedy="Keep one of the two")
        first.setdefault(name, line)
        yield from _repeats(child, inner, seen)
