"""Lists of a YAML file changed where they stand, so that all around them stays byte for byte.

A YAML library that keeps comments writes the whole file anew, in a style of its own. Here only the
entries that come or go are touched, at the places that the parser tells.
"""

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from fleet.releases.yaml_edit.positions import (
    end_of,
    lead_of,
    line_end,
    line_start,
    newline,
    source,
)

Entry = str | Mapping[str, str]

Edits = Mapping[tuple[str, ...], Sequence[Entry]]
"""By the keys that lead to a list, what is to be in it. Where the last key lacks, it is added."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9.]*(?: [A-Za-z0-9.]+)+")
_DASH = re.compile(r"[ ]*-[ ]+")


class EditError(Exception):
    """A list can't be changed where it stands; the text names it and says how to write it."""


class _Splice(NamedTuple):
    """Text from ``begin`` to ``end`` that becomes ``put``."""

    begin: int
    end: int
    put: str


def edited(text: str, edits: Edits) -> str:
    """Return ``text``, a YAML document, with ``edits``.

    An entry that stays is left as it is written. What comes back was read again, and says what was
    wanted and nothing else.

    :raises EditError: when a list is an alias of one that is to say otherwise, or is written in a
        way in which single entries can't be told apart.
    """
    wanted = _merged(yaml.safe_load(text), edits)
    for path, entries in edits.items():
        text = _applied(text, _splices(text, path, entries))
    if yaml.safe_load(text) != wanted:
        names = ", ".join(map(".".join, edits))
        raise EditError(
            f"{names}: these can't be changed where they stand, as where one is another's alias. "
            "Write each list out, and each entry on one line"
        )
    return text


def _merged(values: Any, edits: Edits) -> Any:
    merged = copy.deepcopy(values)
    for path, entries in edits.items():
        inner = merged
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = [dict(e) if isinstance(e, Mapping) else e for e in entries]
    return merged


def _applied(text: str, splices: Iterable[_Splice]) -> str:
    # From the end on, so that what is before keeps its place.
    for begin, end, put in sorted(splices, reverse=True):
        text = text[:begin] + put + text[end:]
    return text


def _splices(text: str, path: tuple[str, ...], entries: Sequence[Entry]) -> list[_Splice]:
    place = ".".join(path)
    parent: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for name in path[:-1]:
        parent = next(value for key, value in parent.value if key.value == name)
    pair = next((pair for pair in parent.value if pair[0].value == path[-1]), None)
    if pair is None:
        return [_new_list(text, place, parent, path[-1], entries)]
    key, found = pair
    if not isinstance(found, yaml.SequenceNode):
        raise EditError(f"{place} is no list")
    if list(_children(found)) == list(map(_key, entries)):
        return []
    if not found.flow_style:
        return _in_lines(text, place, key, found, entries)
    if not found.value:
        after = line_end(text, found.end_mark.index)
        lines = _lines(text, " " * (key.start_mark.column + 2) + "- ", entries, after)
        begin = text.rindex(":", 0, found.start_mark.index) + 1
        return [_Splice(begin, found.end_mark.index, ""), _Splice(after, after, lines)]
    return [_in_brackets(text, place, found, entries)]


def _in_brackets(
    text: str, place: str, node: yaml.SequenceNode, entries: Sequence[Entry]
) -> _Splice:
    begin, end = text.index("[", node.start_mark.index), node.end_mark.index
    if "\n" in text[begin:end]:
        raise EditError(
            f"{place} has brackets over several lines. Write it on one line, or an entry a line, "
            "each behind a dash"
        )
    written = {key: source(text, child) for key, child in _children(node).items()}
    shown = ", ".join(written.get(_key(entry)) or _shown(entry) for entry in entries)
    return _Splice(begin, end, f"[{shown}]")


def _in_lines(
    text: str, place: str, key: yaml.Node, node: yaml.SequenceNode, entries: Sequence[Entry]
) -> list[_Splice]:
    children = _children(node)
    lead = lead_of(text, node.value[0])
    if not all(_DASH.fullmatch(lead_of(text, child)) for child in children.values()):
        raise EditError(f"{place}: not each entry begins behind its dash. Write it there")
    wanted = {_key(entry) for entry in entries}
    splices = [
        _Splice(line_start(text, child.start_mark.index), line_end(text, end_of(child)), "")
        for name, child in children.items()
        if name not in wanted
    ]
    if not entries:
        after = text.index(":", key.end_mark.index) + 1
        return [*splices, _Splice(after, after, " []")]
    return [*splices, *_insertions(text, children, entries, lead)]


def _insertions(
    text: str, children: Mapping[Any, yaml.Node], entries: Sequence[Entry], lead: str
) -> list[_Splice]:
    """Return what puts each new entry below the one that it comes after."""
    at = line_start(text, next(iter(children.values())).start_mark.index)
    new: dict[int, list[Entry]] = {}
    for entry in entries:
        child = children.get(_key(entry))
        if child is None:
            new.setdefault(at, []).append(entry)
        else:
            at = line_end(text, end_of(child))
    return [_Splice(at, at, _lines(text, lead, found, at)) for at, found in new.items()]


def _new_list(
    text: str, place: str, parent: yaml.Node, key: str, entries: Sequence[Entry]
) -> _Splice:
    if not isinstance(parent, yaml.MappingNode) or parent.flow_style:
        raise EditError(f"{place} can't be added. Write the keys of its image below one another")
    column = parent.value[0][0].start_mark.column
    at = line_end(text, end_of(parent))
    inner = _lines(text, " " * (column + 2) + "- ", entries, at)
    ending = newline(text)
    if at and text[at - 1] != "\n":
        return _Splice(at, at, f"{ending}{' ' * column}{key}:{inner}")
    return _Splice(at, at, f"{' ' * column}{key}:{ending}{inner}")


def _lines(text: str, lead: str, entries: Iterable[Entry], at: int) -> str:
    ending = newline(text)
    shown = [f"{lead}{_shown(entry)}" for entry in entries]
    if at and text[at - 1] != "\n":  # the last line of a file that ends without a newline
        return "".join(f"{ending}{line}" for line in shown)
    return "".join(f"{line}{ending}" for line in shown)


def _children(node: yaml.SequenceNode) -> dict[Any, yaml.Node]:
    loader = yaml.SafeLoader("")
    return {_key(loader.construct_object(child, deep=True)): child for child in node.value}


def _key(entry: Any) -> Any:
    return tuple(sorted(entry.items())) if isinstance(entry, Mapping) else entry


def _shown(entry: Entry) -> str:
    """Return ``entry`` as YAML; all texts are of rules that let in no quote and no backslash."""
    if isinstance(entry, str):
        return f'"{entry}"'
    pairs = (f"{key}: {_text(value)}" for key, value in entry.items())
    return f"{{ {', '.join(pairs)} }}"


def _text(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else f'"{value}"'
