"""Lists of a YAML file changed where they stand, so that all around them stays byte for byte.

A YAML library that keeps comments writes the whole file again, in a style of its own. Here only the
entries that come or go are touched, at the places that the parser reports.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import yaml

from fleet.console import TroubleError

Entry = str | Mapping[str, str]

Edits = Mapping[tuple[str, ...], Sequence[Entry]]
"""By the keys that lead to a list, its new entries. A last key that is missing is added."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9.]*(?: [A-Za-z0-9.]+)+")
_DASH = re.compile(r"[ ]*-[ ]+")


class EditError(TroubleError):
    """A list can't be changed where it stands; the text names it and says how to write it."""


def edited(text: str, edits: Edits) -> str:
    """Return ``text``, a YAML document, with ``edits``.

    An entry that stays is left as it is written. The result is read again and compared.

    :raises EditError: when a list is an alias of one that is to say otherwise, or is written in a
        way in which single entries can't be told apart.
    """
    if not edits:
        return text
    wanted = yaml.safe_load(text)
    for path, entries in edits.items():
        listed = [dict(e) if isinstance(e, Mapping) else e for e in entries]
        wanted = with_value(wanted, path, listed)

    def change(text: str) -> str:
        for path, entries in edits.items():
            text = _changed(text, path, entries)
        return text

    names = ", ".join(map(".".join, edits))
    return changed(
        text,
        change,
        wanted,
        f"{names}: can't be changed in place, for example because one is an alias of another.\n"
        "Write out each list, and each entry on one line",
    )


def changed(text: str, change: Callable[[str], str], wanted: Any, refusal: str) -> str:
    """Return ``text``, a YAML document, after ``change``, which sees lines that end in a newline.

    :raises EditError: with ``refusal`` when the result does not read as ``wanted``; those that
        ``change`` raises.
    """
    windows, last = "\r\n" in text, "" if text.endswith("\n") else "\n"
    try:
        text = change(text.replace("\r\n", "\n") + last).removesuffix(last)
        text = text.replace("\n", "\r\n") if windows else text
        is_as_wanted = yaml.safe_load(text) == wanted
    except yaml.YAMLError:
        is_as_wanted = False
    if not is_as_wanted:
        raise EditError(refusal)
    return text


def with_value(values: Any, path: Sequence[str], value: Any) -> Any:
    """Return ``values`` with another one at ``path``, and nowhere else: aliases share theirs."""
    key, *rest = path
    return {**values, key: with_value(values[key], rest, value) if rest else value}


def _changed(text: str, path: tuple[str, ...], entries: Sequence[Entry]) -> str:
    """Return ``text`` with ``entries`` in the list at ``path``."""
    place = ".".join(path)
    parent: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for name in path[:-1]:
        parent = next(value for key, value in parent.value if key.value == name)
    pair = next((pair for pair in parent.value if pair[0].value == path[-1]), None)
    if pair is None:
        return _with_list(text, place, parent, path[-1], entries)
    key, node = pair
    if not isinstance(node, yaml.SequenceNode):
        raise EditError(f"{place} is not a list")
    loader = yaml.SafeLoader("")
    children = {_key(loader.construct_object(each, deep=True)): each for each in node.value}
    if list(children) == list(map(_key, entries)):
        return text
    if not node.flow_style:
        return _in_lines(text, place, key, children, entries)
    begin, end = text.index("[", node.start_mark.index), node.end_mark.index
    if not children:
        after, colon = line_end(text, end), text.rindex(":", 0, begin) + 1
        lines = _lines(" " * (key.start_mark.column + 2) + "- ", entries)
        return text[:colon] + text[end:after] + lines + text[after:]
    if "\n" in text[begin:end]:
        raise EditError(
            f"{place} has brackets over several lines.\nWrite it on one line, or one entry "
            "per line, each after a dash"
        )
    written = {k: text[n.start_mark.index : n.end_mark.index] for k, n in children.items()}
    listed = ", ".join(written.get(_key(entry)) or shown(entry) for entry in entries)
    return f"{text[:begin]}[{listed}]{text[end:]}"


def _in_lines(
    text: str,
    place: str,
    key: yaml.Node,
    children: Mapping[Any, yaml.Node],
    entries: Sequence[Entry],
) -> str:
    """Return ``text`` without the lines of entries that go, and with those of new ones."""
    spans = {
        name: (line_start(text, child.start_mark.index), line_end(text, end_of(child)))
        for name, child in children.items()
    }
    leads = [text[spans[name][0] : child.start_mark.index] for name, child in children.items()]
    if not all(map(_DASH.fullmatch, leads)):
        raise EditError(f"{place}: not every entry begins after its dash.\nWrite it there")
    begin, end = next(iter(spans.values()))[0], list(spans.values())[-1][1]
    left = text[:begin]
    if not entries:
        colon = text.index(":", key.end_mark.index) + 1
        left = f"{text[:colon]} []{text[colon:begin]}"
    going = [span for name, span in spans.items() if name not in set(map(_key, entries))]
    at = begin
    for entry in entries:
        if _key(entry) in spans:
            left += _without(text, at, spans[_key(entry)][1], going)
            at = spans[_key(entry)][1]
        else:
            left += _lines(leads[0], [entry])
    return left + _without(text, at, end, going) + text[end:]


def _without(text: str, begin: int, end: int, gone: Iterable[tuple[int, int]]) -> str:
    """Return ``text`` from ``begin`` to ``end`` without the spans in it that are ``gone``."""
    for first, last in gone:
        if begin <= first < end:
            return text[begin:first] + _without(text, last, end, gone)
    return text[begin:end]


def _with_list(text: str, place: str, parent: yaml.Node, key: str, entries: Sequence[Entry]) -> str:
    if not isinstance(parent, yaml.MappingNode) or parent.flow_style:
        raise EditError(f"{place} can't be added. Write the keys of its image below one another")
    indent = " " * parent.value[0][0].start_mark.column
    at = line_end(text, end_of(parent))
    return f"{text[:at]}{indent}{key}:\n{_lines(f'{indent}  - ', entries)}{text[at:]}"


def _lines(lead: str, entries: Iterable[Entry]) -> str:
    return "".join(f"{lead}{shown(entry)}\n" for entry in entries)


def _key(entry: Any) -> Any:
    return tuple(sorted(entry.items())) if isinstance(entry, Mapping) else entry


def shown(entry: Entry) -> str:
    """Return ``entry`` as YAML; all texts are of rules that let in no quote and no backslash."""
    if isinstance(entry, str):
        return f'"{entry}"'
    pairs = (f"{k}: {v if _PLAIN.fullmatch(v) else shown(v)}" for k, v in entry.items())
    return f"{{ {', '.join(pairs)} }}"


def end_of(node: yaml.Node, key: yaml.Node | None = None) -> int:
    """Return where the content of ``node`` ends; a block's mark is where the next one begins.

    An alias has the marks of what it names; behind its ``key`` it ends on that one's line.
    """
    if key and node.start_mark.index < key.start_mark.index:
        return int(key.end_mark.index)
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        return int(node.end_mark.index) - 1
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return end_of(last[1], last[0]) if isinstance(last, tuple) else end_of(last)


def line_start(text: str, index: int) -> int:
    """Return where the line of ``index`` begins."""
    return text.rfind("\n", 0, index) + 1


def line_end(text: str, index: int) -> int:
    """Return where the line of ``index`` ends, its newline included."""
    return text.index("\n", index) + 1
