"""Pointers: the tags that name the highest final version of their line."""

from collections.abc import Iterable
from dataclasses import dataclass

from fleet.declaration import tags, versions
from fleet.declaration.matrix import versions_of
from fleet.declaration.model import Image
from fleet.declaration.tags import PointerKind, Tag


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """A tag that names the same digest as the version tag ``target`` of its repository."""

    kind: PointerKind
    tag: Tag
    target: Tag
    version: str


def line_heads(candidates: Iterable[str], kinds: Iterable[PointerKind]) -> dict[str, str]:
    """Return ``{pointer end: version}`` where each line's version is its highest."""
    wanted = frozenset(kinds)
    members: dict[str, list[str]] = {}
    for version in candidates:
        for kind, end in tags.lines(version).items():
            if kind in wanted:
                members.setdefault(end, []).append(version)
    return {end: versions.highest(line) for end, line in members.items()}


def pointers(image: Image, python: str, base: str, yanked: Iterable[str]) -> list[Pointer]:
    """Return the pointers of one Python and base of ``image``, by declared kinds."""
    heads = line_heads(versions.eligible(versions_of(image, python, base), yanked), image.pointers)
    return [
        Pointer(
            kind="LATEST" if end == "LATEST" else "X.Y" if "." in end else "X",
            tag=tags.tag(python, base, end),
            target=tags.tag(python, base, version),
            version=version,
        )
        for end, version in heads.items()
    ]
