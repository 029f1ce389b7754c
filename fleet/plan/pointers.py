"""Pointers: the tags that name the highest final version of their line."""

from collections.abc import Iterable
from dataclasses import dataclass

from fleet.declaration import tags, versions
from fleet.declaration.grouping import grouped
from fleet.declaration.matrix import versions_of
from fleet.declaration.model import Image, Pin
from fleet.declaration.tags import PointerKind, Tag


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """A tag that names the same digest as the version tag ``target`` of its repository.

    That is the highest version of its line, or the one that a ``pin`` holds it at.
    """

    kind: PointerKind
    tag: Tag
    target: Tag
    version: str
    pin: Pin | None


def line_heads(candidates: Iterable[str], kinds: Iterable[PointerKind]) -> dict[str, str]:
    """Return ``{pointer end: version}`` where each line's version is its highest."""
    wanted = frozenset(kinds)
    ends = ((end, v) for v in candidates for kind, end in tags.lines(v).items() if kind in wanted)
    return {end: versions.highest(line) for end, line in grouped(ends).items()}


def pointers(image: Image, python: str, base: str, yanked: Iterable[str]) -> list[Pointer]:
    """Return the pointers of one Python and base of ``image``, by declared kinds."""
    heads = line_heads(versions.eligible(versions_of(image, python, base), yanked), image.pointers)
    return [_pointer(image, python, base, end, version) for end, version in heads.items()]


def _pointer(image: Image, python: str, base: str, end: str, highest: str) -> Pointer:
    tag = tags.tag(python, base, end)
    pin = image.pins.get(tag)
    version = pin.to if pin else highest
    return Pointer(
        kind="LATEST" if end == "LATEST" else "X.Y" if "." in end else "X",
        tag=tag,
        target=tags.tag(python, base, version),
        version=version,
        pin=pin,
    )
