"""Lists of a YAML file changed where they stand, so that all around them stays byte for byte.

A YAML library that keeps comments writes the whole file again, in a style of its own. Here only the
entries that come or go are touched, at the places that the parser reports.
"""

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from fleet.console import TroubleError

Entry = str | Mapping[str, str]

Edits = Mapping[tuple[str, ...], Sequence[Entry]]
"""By the keys that lead to a list, its new entries. A last key that is missing is added."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9.]*(?: [A-Za-z0-9.]+)+")
_DASH = re.compile(r"[ ]*-[ ]+")


class EditError(TroubleError):
    """A list can't be changed where it stands; the text names it and says how to write it."""


class _Splice(NamedTuple):
    """Text from ``begin`` to ``end`` that becomes ``put``."""

    begin: int
    end: int
    put: str


def edited(text: str, edits: Edits) -> str:
    """Return ``text``, a YAML document, with ``edits``.

    An entry that stays is left as it is written. The result is read again and compared.

    :raises EditError: when a list is an alias of one that is to say otherwise, or is written in a
        way in which single entries can't be told apart.
    """
    if not edits:
        return text
    wanted = _merged(yaml.safe_load(text), edits)
    windows, last = "\r\n" in text, "" if text.endswith("\n") else "\n"
    text = text.replace("\r\n", "\n") + last
    for path, entries in edits.items():
        # From the end on, so that what is before keeps its place.
        for begin, end, put in sorted(_splices(text, path, entries), reverse=True):
            text = text[:begin] + put + text[end:]
    text = text.removesuffix(last)
    text = text.replace("\n", "\r\n") if windows else text
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


def _splices(text: str, path: tuple[str, ...], entries: Sequence[Entry]) -> list[_Splice]:
    place = ".".join(path)
    parent: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for name in path[:-1]:
        parent = next(value for key, value in parent.value if key.value == name)
    pair = next((pair for pair in parent.value if pair[0].value == path[-1]), None)
    if pair is None:
        return [_new_list(text, place, parent, path[-1], entries)]
    key, node = pair
    if not isinstance(node, yaml.SequenceNode):
        raise EditError(f"{place} is not a list")
    children = _children(node)
    if list(children) == list(map(_key, entries)):
        return []
    if not node.flow_style:
        return _in_lines(text, place, key, children, entries)
    begin, end = text.index("[", node.start_mark.index), node.end_mark.index
    if not children:
        after = _line_end(text, end)
        lines = _lines(" " * (key.start_mark.column + 2) + "- ", entries)
        return [_Splice(text.rindex(":", 0, begin) + 1, end, ""), _Splice(after, after, lines)]
    if "\n" in text[begin:end]:
        raise EditError(
            f"{place} has brackets over several lines. Write it on one line, or an entry a line, "
            "each behind a dash"
        )
    written = {k: text[n.start_mark.index : n.end_mark.index] for k, n in children.items()}
    shown = ", ".join(written.get(_key(entry)) or _shown(entry) for entry in entries)
    return [_Splice(begin, end, f"[{shown}]")]


def _in_lines(
    text: str,
    place: str,
    key: yaml.Node,
    children: Mapping[Any, yaml.Node],
    entries: Sequence[Entry],
) -> list[_Splice]:
    """Return what removes the lines of entries that go, and adds those of new ones."""
    spans = {
        name: (_line_start(text, child.start_mark.index), _line_end(text, _end_of(child)))
        for name, child in children.items()
    }
    leads = [text[spans[name][0] : child.start_mark.index] for name, child in children.items()]
    if not all(map(_DASH.fullmatch, leads)):
        raise EditError(f"{place}: not each entry begins behind its dash. Write it there")
    wanted = {_key(entry) for entry in entries}
    splices = [_Splice(*span, "") for name, span in spans.items() if name not in wanted]
    if not entries:
        after = text.index(":", key.end_mark.index) + 1
        return [*splices, _Splice(after, after, " []")]
    at = min(spans.values())[0]
    new: dict[int, list[Entry]] = {}
    for entry in entries:
        if _key(entry) in spans:
            at = spans[_key(entry)][1]
        else:
            new.setdefault(at, []).append(entry)
    return [*splices, *(_Splice(at, at, _lines(leads[0], found)) for at, found in new.items())]


def _new_list(
    text: str, place: str, parent: yaml.Node, key: str, entries: Sequence[Entry]
) -> _Splice:
    if not isinstance(parent, yaml.MappingNode) or parent.flow_style:
        raise EditError(f"{place} can't be added. Write the keys of its image below one another")
    indent = " " * parent.value[0][0].start_mark.column
    at = _line_end(text, _end_of(parent))
    return _Splice(at, at, f"{indent}{key}:\n{_lines(f'{indent}  - ', entries)}")


def _lines(lead: str, entries: Iterable[Entry]) -> str:
    return "".join(f"{lead}{_shown(entry)}\n" for entry in entries)


def _children(node: yaml.SequenceNode) -> dict[Any, yaml.Node]:
    loader = yaml.SafeLoader("")
    return {_key(loader.construct_object(child, deep=True)): child for child in node.value}


def _key(entry: Any) -> Any:
    return tuple(sorted(entry.items())) if isinstance(entry, Mapping) else entry


def _shown(entry: Entry) -> str:
    """Return ``entry`` as YAML; all texts are of rules that let in no quote and no backslash."""
    if isinstance(entry, str):
        return f'"{entry}"'
    pairs = (f"{k}: {v if _PLAIN.fullmatch(v) else _shown(v)}" for k, v in entry.items())
    return f"{{ {', '.join(pairs)} }}"


def _end_of(node: yaml.Node) -> int:
    """Return where the content of ``node`` ends; a block's mark is where the next one begins."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end_of(last[1] if isinstance(last, tuple) else last)


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _line_end(text: str, index: int) -> int:
    """Return where the line of ``index`` ends, its newline included."""
    return text.index("\n", index) + 1
