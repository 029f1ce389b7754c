"""Pins put into a declaration and taken out."""

from typing import Any

import yaml

from fleet.declaration.model import Pin
from fleet.releases.yaml_edit import EditError, edited


def with_pin(text: str, image: str, tag: str, pin: Pin) -> str:
    """Return ``text``, a stack's file, with a pin of ``tag``, in the place of one that is there.

    :raises EditError: when its image, or its pins, are written in a way that can't be changed.
    """
    entry = {"to": pin.to, "because": pin.because, "until": pin.until}
    if not pin.needs_evidence:
        entry["evidence"] = "none"
    return _edited(text, image, tag, {tag: entry})


def without_pin(text: str, image: str, tag: str) -> str:
    """Return ``text``, a stack's file, without the pin of ``tag``.

    :raises EditError: as for `with_pin`.
    """
    return _edited(text, image, tag, {})


def _edited(text: str, image: str, tag: str, entry: dict[str, Any]) -> str:
    own = yaml.safe_load(text)["config"]["fleet:images"][image]
    if not isinstance(own, dict):
        raise EditError(f"fleet:images.{image} can't be added to. Write its keys on lines each")
    others = {name: pin for name, pin in (own.get("pins") or {}).items() if name != tag}
    return edited(text, {("config", "fleet:images", image, "pins"): {**others, **entry}})
