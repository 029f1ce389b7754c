"""Pins put into a declaration and taken out, so that all around them stays byte for byte."""

from collections.abc import Mapping
from typing import Any

import yaml

from fleet.declaration.model import Pin
from fleet.releases.yaml_edit import (
    EditError,
    changed,
    end_of,
    line_end,
    line_start,
    shown,
    with_value,
)

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
    values = yaml.safe_load(text)
    own = values["config"]["fleet:images"][image] or {}
    before = own.get("pins") or {}
    if not entry and tag not in before:
        return text
    pins = {key: held for key, held in before.items() if key != tag}
    line = f"{tag}: {shown(entry)}" if entry else ""
    if entry:
        pins[tag] = dict(entry)
    kept = {key: value for key, value in own.items() if key != "pins"}
    wanted = with_value(values, (*_IMAGES, image), {**kept, "pins": pins} if pins else kept)

    def change(text: str) -> str:
        if not line:
            return _without(text, image, tag)
        there = _replaced(text, image, tag, line)
        return there or _with(_without(text, image, tag), image, f"{line}\n")

    return changed(
        text,
        change,
        wanted,
        f"fleet:images.{image}.pins can't be changed where it stands: a pin has to be on lines of "
        "its own, and in nothing that an alias (*) names.\n"
        f"Write the pins so, {f'with {line}' if line else f'without that of {tag}'}",
    )


def _places(text: str, image: str) -> tuple[yaml.MappingNode, tuple[yaml.Node, Any] | None]:
    """Return the node of an image, and key and value of its pins where it has some.

    :raises EditError: when the image's keys are not written on lines of their own.
    """
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for name in (*_IMAGES, image):
        node = next((value for key, value in node.value if key.value == name), None)
        if node is None:
            raise EditError(
                f"{name} stands elsewhere, behind a `<<`, where no pin is changed.\n"
                "Write it out where it is used"
            )
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
        raise EditError(
            f"fleet:images.{image} is empty or in braces, where no pin is changed.\n"
            "Write its keys on lines of their own"
        )
    return node, next((pair for pair in node.value if pair[0].value == "pins"), None)


def _replaced(text: str, image: str, tag: str, line: str) -> str:
    """Return ``text`` with ``line`` where the pin of ``tag`` is, so that comments stay with it.

    It is empty where there is none on lines of its own.
    """
    _, pins = _places(text, image)
    if pins is None or not isinstance(pins[1], yaml.MappingNode) or pins[1].flow_style:
        return ""
    for key, value in pins[1].value:
        if key.value == tag:
            end = end_of(value, key)
            is_alias = end == key.end_mark.index
            after = line_end(text, end) - 1 if is_alias else end
            return f"{text[: key.start_mark.index]}{line}{text[after:]}"
    return ""


def _without(text: str, image: str, tag: str) -> str:
    _, pins = _places(text, image)
    held: list[Any] = pins[1].value if pins and isinstance(pins[1], yaml.MappingNode) else []
    pair = next((pair for pair in held if pair[0].value == tag), None)
    if pins and (len(held) == bool(pair)):
        # Also where there are none: `pins: {}`.
        pair = pins
    if pair is None:
        return text
    key, value = pair
    begin, end = line_start(text, key.start_mark.index), line_end(text, end_of(value, key))
    return text[:begin] + text[end:]


def _with(text: str, image: str, line: str) -> str:
    node, pins = _places(text, image)
    if pins is None:
        indent, at = " " * node.value[0][0].start_mark.column, line_end(text, end_of(node))
        return f"{text[:at]}{indent}pins:\n{indent}  {line}{text[at:]}"
    key, value = pins
    if value.flow_style:
        raise EditError(f"fleet:images.{image}.pins is in braces.\nWrite each pin on a line")
    indent = " " * value.value[0][0].start_mark.column
    at = line_end(text, end_of(value, key))
    return f"{text[:at]}{indent}{line}{text[at:]}"
