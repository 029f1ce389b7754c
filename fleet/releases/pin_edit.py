"""Pins put into a declaration and taken out, so that all around them stays byte for byte."""

import copy
from collections.abc import Mapping
from typing import Any

import yaml

from fleet.declaration.model import Pin
from fleet.releases.yaml_edit import EditError, end_of, line_end, line_start, shown

_IMAGES = ("config", "fleet:images")


def with_pin(text: str, image: str, tag: str, pin: Pin) -> str:
    """Return ``text``, a stack's file, with a pin of ``tag``, in the place of one that is there.

    :raises EditError: when its image, or its pins, are written in a way that can't be changed.
    """
    entry = {"to": pin.to, "because": pin.because, "until": pin.until}
    if not pin.needs_evidence:
        entry["evidence"] = "none"
    return _edited(text, image, tag, entry)


def without_pin(text: str, image: str, tag: str) -> str:
    """Return ``text``, a stack's file, without the pin of ``tag``.

    :raises EditError: as for `with_pin`.
    """
    return _edited(text, image, tag, None)


def _edited(text: str, image: str, tag: str, entry: Mapping[str, str] | None) -> str:
    wanted = copy.deepcopy(yaml.safe_load(text))
    own = wanted["config"]["fleet:images"][image]
    if not isinstance(own, dict):
        raise EditError(f"fleet:images.{image} can't be added to. Write its keys on lines each")
    pins = {key: held for key, held in (own.pop("pins", None) or {}).items() if key != tag}
    if entry:
        pins[tag] = dict(entry)
    if pins:
        own["pins"] = pins
    windows, last = "\r\n" in text, "" if text.endswith("\n") else "\n"
    text = _without(text.replace("\r\n", "\n") + last, image, tag)
    if entry:
        text = _with(text, image, f"{tag}: {shown(entry)}\n")
    text = text.removesuffix(last)
    text = text.replace("\n", "\r\n") if windows else text
    if yaml.safe_load(text) != wanted:
        raise EditError(
            f"fleet:images.{image}.pins can't be changed where it stands. Write the image's keys "
            f"and each pin on lines of their own; what is to stand there: {tag}: "
            f"{shown(entry) if entry else 'nothing'}"
        )
    return text


def _pairs(text: str, image: str) -> tuple[yaml.Node, tuple[yaml.Node, yaml.Node] | None]:
    """Return the node of an image, and key and value of its pins where it has some."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for name in (*_IMAGES, image):
        node = next((value for key, value in node.value if key.value == name), None)
        if node is None:
            raise EditError(f"{name} stands elsewhere, behind a `<<`. Write the pin there")
    return node, next((pair for pair in node.value if pair[0].value == "pins"), None)


def _without(text: str, image: str, tag: str) -> str:
    _, pins = _pairs(text, image)
    held: list[Any] = pins[1].value if pins and isinstance(pins[1], yaml.MappingNode) else []
    pair = next((pair for pair in held if pair[0].value == tag), None)
    if pins and (len(held) == bool(pair)):
        # Also where there are none: `pins: {}`.
        pair = pins
    if pair is None:
        return text
    begin, end = line_start(text, pair[0].start_mark.index), line_end(text, end_of(pair[1]))
    return text[:begin] + text[end:]


def _with(text: str, image: str, line: str) -> str:
    node, pins = _pairs(text, image)
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
        raise EditError(f"fleet:images.{image} can't be added to. Write its keys on lines each")
    if pins is None:
        indent, at = " " * node.value[0][0].start_mark.column, line_end(text, end_of(node))
        return f"{text[:at]}{indent}pins:\n{indent}  {line}{text[at:]}"
    if not isinstance(pins[1], yaml.MappingNode) or pins[1].flow_style:
        raise EditError(f"fleet:images.{image}.pins is in braces. Write each pin on a line")
    indent = " " * pins[1].value[0][0].start_mark.column
    at = line_end(text, end_of(pins[1]))
    return f"{text[:at]}{indent}{line}{text[at:]}"
