"""The fleet as a graph in Mermaid's text, which GitHub and editors draw within Markdown.

Official images come first, then the images built on them, and those built on these.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from fleet.declaration.base_graph import Yanked, in_order
from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import Declaration, Image
from fleet.overview.words import contents, counted, short
from fleet.plan.pointers import pointers

Kind = Literal["official", "elsewhere", "image"]
_CLASSES = ("classDef official stroke-width:1px", "classDef elsewhere stroke-dasharray:5 4")


@dataclass(frozen=True, kw_only=True)
class Node:
    """One box: its lines, the first of them a heading, and the keys of what it is built on."""

    key: str
    kind: Kind
    lines: tuple[str, ...]
    below: tuple[str, ...] = ()


def document(declaration: Declaration, yanked: Yanked, stack: str) -> str:
    """Return the graph of ``declaration`` as Markdown; ``yanked`` tells which pointers are."""
    drawn = "\n".join(f"  {line}" for line in mermaid(nodes(declaration, yanked)))
    legend = "\n".join(f"- {line}" for line in _builders(declaration))
    return f"# {_title(declaration, stack)}\n\n```mermaid\nflowchart LR\n{drawn}\n```\n\n{legend}\n"


def mermaid(found: tuple[Node, ...]) -> list[str]:
    """Return the lines of a flowchart: all nodes, then an arrow to each from what is below it."""
    # A name may be a word of Mermaid's own, such as `end`, so nodes are numbered.
    ids = {node.key: f"n{number}" for number, node in enumerate(found)}
    return [
        *(f'{ids[n.key]}["{"<br/>".join(map(_escaped, n.lines))}"]:::{n.kind}' for n in found),
        *(f"{ids[key]} --> {ids[node.key]}" for node in found for key in node.below),
        *_CLASSES,
    ]


def nodes(declaration: Declaration, yanked: Yanked) -> tuple[Node, ...]:
    """Return all nodes, each after those that it is built on."""
    images = in_order(declaration.images)
    return (
        *_official(images),
        *_elsewhere(images, declaration),
        *(_image(image, yanked.get(image.package, ())) for image in images),
    )


def _escaped(text: str) -> str:
    """Return ``text`` with Mermaid's entities for what ends a label or is markup in one."""
    return re.sub(r"""["#;<>&`\\*]""", lambda found: f"#{ord(found[0])};", text)


def _official_key(base: str) -> str:
    return f"official {base}"


def _image_key(name: str) -> str:
    return f"image {name}"


def _official(images: tuple[Image, ...]) -> list[Node]:
    pythons: dict[str, dict[str, None]] = {}
    for image in images:
        for base in image.bases if not image.builds_on else ():
            pythons.setdefault(base, {}).update(dict.fromkeys(image.pythons))
    return [
        Node(
            key=_official_key(base),
            kind="official",
            lines=(
                "python:X" if base == "full" else f"python:X-{base}",
                "official image",
                f"Python {', '.join(found)}",
            ),
        )
        for base, found in pythons.items()
    ]


def _elsewhere(images: tuple[Image, ...], declaration: Declaration) -> list[Node]:
    here = {image.name for image in images}
    stacks = declaration.share.stacks if declaration.share else {}
    names = dict.fromkeys(i.builds_on for i in images if i.builds_on and i.builds_on not in here)
    return [
        Node(key=_image_key(name), kind="elsewhere", lines=(name, f"of stack {stacks[name]}"))
        for name in names
    ]


def _image(image: Image, yanked: tuple[str, ...]) -> Node:
    versions = f"{counted(len(image.versions), 'version')} on {', '.join(image.bases)}"
    below = [_image_key(image.builds_on)] if image.builds_on else map(_official_key, image.bases)
    return Node(
        key=_image_key(image.name),
        kind="image",
        lines=(
            image.name,
            contents(image),
            f"Python {', '.join(image.pythons)}",
            f"{versions}: {counted(len(matrix_entries(image)), 'tag')}",
            f"{counted(len(image.platforms), 'platform')}: {short(image.platforms)}",
            _pointers(image, yanked),
        ),
        below=tuple(below),
    )


def _pointers(image: Image, yanked: tuple[str, ...]) -> str:
    kinds = Counter(
        pointer.kind
        for python in image.pythons
        for base in image.bases
        for pointer in pointers(image, python, base, yanked)
    )
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return f"{counted(kinds.total(), 'pointer')}{f': {listed}' if listed else ''}"


def _title(declaration: Declaration, stack: str) -> str:
    images = declaration.images
    tags = sum(len(matrix_entries(image)) for image in images)
    return (
        f"{stack}: {counted(len(images), 'image')} in {declaration.registry}, "
        f"{counted(tags, 'tag')}"
    )


def _builders(declaration: Declaration) -> tuple[str, ...]:
    wanted = dict.fromkeys(p for image in declaration.images for p in image.platforms)
    platforms: dict[str, list[str]] = {}
    for platform in wanted:
        platforms.setdefault(declaration.builders[platform], []).append(platform)
    return tuple(f"builder {builder}: {short(built)}" for builder, built in platforms.items())
