"""Lists and mappings of a YAML file changed where they stand: all around stays byte for byte.

A YAML library that keeps comments writes the whole file again, in a style of its own. Here only the
entries that come or go are touched, at the places that the parser reports.
"""

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import yaml

from fleet.console import TroubleError

Entry = str | Mapping[str, str]

Entries = Sequence[Entry] | Mapping[str, Entry]

Edits = Mapping[tuple[str, ...], Entries]
"""By the keys that lead to a list or mapping, its new entries.

A last key that is missing is added; one whose mapping becomes empty goes."""

Children = Mapping[Any, tuple[yaml.Node, yaml.Node]]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9.]*(?: [A-Za-z0-9.]+)+")


class EditError(TroubleError):
    """Entries can't be changed where they stand; the text names them and says how to write them."""


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
        text = _changed(text, path, entries)
    text = text.removesuffix(last)
    text = text.replace("\n", "\r\n") if windows else text
    if yaml.safe_load(text) != wanted:
        names = ", ".join(map(".".join, edits))
        raise EditError(
            f"{names}: these can't be changed where they stand, as where one is another's alias. "
            "Write each out, and each entry on one line"
        )
    return text


def _merged(values: Any, edits: Edits) -> Any:
    merged = copy.deepcopy(values)
    for path, entries in edits.items():
        inner = merged
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = _plain(entries)
        if entries == {}:
            del inner[path[-1]]
    return merged


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(held) for key, held in value.items()}
    return list(map(_plain, value)) if isinstance(value, list | tuple) else value


def _changed(text: str, path: tuple[str, ...], entries: Entries) -> str:
    """Return ``text`` with ``entries`` at ``path``."""
    place, dash = ".".join(path), "" if isinstance(entries, Mapping) else "- "
    parent, pair = _found(text, path)
    lines = _lines(entries)
    if pair is None:
        listed = [f"{dash}{line}" for line in lines.values()]
        return _with_key(text, place, parent, path[-1], listed) if listed else text
    key, node = pair
    if not isinstance(node, yaml.SequenceNode if dash else yaml.MappingNode):
        raise EditError(f"{place} is not a {'list' if dash else 'mapping'}")
    children = _children(node)
    if list(children) == list(lines):
        return text
    if entries == {}:
        begin, end = _line_start(text, key.start_mark.index), _line_end(text, _end_of(node))
        return text[:begin] + text[end:]
    change = _in_brackets if node.flow_style else _in_lines
    return change(text, place, pair, children, lines)


def _found(text: str, path: tuple[str, ...]) -> tuple[Any, tuple[Any, Any] | None]:
    """Return the node above ``path``, and the key and value at it."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for name in path[:-1]:
        node = next((value for key, value in node.value if key.value == name), None)
        if node is None:
            raise EditError(f"{'.'.join(path)}: {name} stands behind a `<<`. Write it there")
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return node, next((pair for pair in pairs if pair[0].value == path[-1]), None)


def _children(node: yaml.CollectionNode) -> dict[Any, tuple[yaml.Node, yaml.Node]]:
    """Return where each entry begins and ends, by what it says."""
    said = partial(yaml.SafeLoader("").construct_object, deep=True)
    if isinstance(node, yaml.MappingNode):
        return {_key(name.value, said(held)): (name, held) for name, held in node.value}
    return {_key("", said(held)): (held, held) for held in node.value}


def _lines(entries: Entries) -> dict[Any, str]:
    """Return each entry as a line, by what it says."""
    if isinstance(entries, Mapping):
        return {_key(name, held): f"{name}: {shown(held)}" for name, held in entries.items()}
    return {_key("", held): shown(held) for held in entries}


def _key(name: str, entry: Any) -> Any:
    return name, tuple(sorted(entry.items())) if isinstance(entry, Mapping) else entry


def _in_brackets(
    text: str, place: str, pair: tuple[Any, Any], children: Children, lines: Mapping[Any, str]
) -> str:
    key, node = pair
    is_list = isinstance(node, yaml.SequenceNode)
    begin, end = text.index("[" if is_list else "{", node.start_mark.index), node.end_mark.index
    if not children:
        after, colon = _line_end(text, end), text.rindex(":", 0, begin) + 1
        lead = " " * (key.start_mark.column + 2) + "- " * is_list
        listed = "".join(f"{lead}{line}\n" for line in lines.values())
        return text[:colon] + text[end:after] + listed + text[after:]
    if not is_list or "\n" in text[begin:end]:
        raise EditError(
            f"{place} has brackets over several lines, or braces. Write each entry on its own line"
        )
    written = {k: text[n.start_mark.index : n.end_mark.index] for k, (n, _) in children.items()}
    listed = ", ".join(written.get(key, line) for key, line in lines.items())
    return f"{text[:begin]}[{listed}]{text[end:]}"


def _in_lines(
    text: str, place: str, pair: tuple[Any, Any], children: Children, lines: Mapping[Any, str]
) -> str:
    """Return ``text`` without the lines of entries that go, and with those of new ones."""
    begin = at = _line_start(text, next(iter(children.values()))[0].start_mark.index)
    leads, pieces = [], {}
    for name, (first, last) in children.items():
        start, end = _line_start(text, first.start_mark.index), _line_end(text, _end_of(last))
        leads.append(text[start : first.start_mark.index])
        # Comments before an entry stay, whatever becomes of it.
        pieces[name] = (text[at:start], text[start:end] if name in lines else "")
        at = end
    form = " *- +" if isinstance(pair[1], yaml.SequenceNode) else " *"
    if not all(re.fullmatch(form, lead) for lead in leads):
        raise EditError(
            f"{place}: not each entry begins on its line, behind a dash. Write it there"
        )
    left = text[:begin]
    if not lines:
        colon = text.index(":", pair[0].end_mark.index) + 1
        left = f"{text[:colon]} []{text[colon:begin]}"
    for name, line in lines.items():
        if name not in pieces:
            left += f"{leads[0]}{line}\n"
        while name in pieces:
            left += "".join(pieces.pop(next(iter(pieces))))
    return left + "".join(gap for gap, _ in pieces.values()) + text[at:]


def _with_key(text: str, place: str, parent: yaml.Node, key: str, lines: Iterable[str]) -> str:
    if not isinstance(parent, yaml.MappingNode) or parent.flow_style:
        raise EditError(f"{place} can't be added. Write the keys of its image below one another")
    indent = " " * parent.value[0][0].start_mark.column
    at = _line_end(text, _end_of(parent))
    listed = "".join(f"{indent}  {line}\n" for line in lines)
    return f"{text[:at]}{indent}{key}:\n{listed}{text[at:]}"


def shown(entry: Entry) -> str:
    """Return ``entry`` as YAML; all texts are of rules that let in no quote and no backslash."""
    if isinstance(entry, str):
        return f'"{entry}"'
    pairs = (f"{k}: {v if _PLAIN.fullmatch(v) else shown(v)}" for k, v in entry.items())
    return f"{{ {', '.join(pairs)} }}"


def _end_of(node: yaml.Node) -> int:
    """Return where the content of ``node`` ends; a block's mark is where the next one begins."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end_of(last[1] if isinstance(last, tuple) else last)


def _line_start(text: str, index: int) -> int:
    """Return where the line of ``index`` begins."""
    return text.rfind("\n", 0, index) + 1


def _line_end(text: str, index: int) -> int:
    """Return where the line of ``index`` ends, its newline included."""
    return text.index("\n", index) + 1
