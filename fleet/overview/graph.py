"""The fleet as a graph in Mermaid's text, which GitHub and editors draw within Markdown.

Official images come first, then the images built on them, and those built on these.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from fleet.declaration.base_graph import in_order
from fleet.declaration.matrix import matrix_entries
from fleet.declaration.model import Declaration, Image
from fleet.overview.words import contents, counted, short


class Node(NamedTuple):
    """One box: the class that it is drawn in, its lines, and the keys of what it is built on."""

    key: str
    kind: str
    lines: tuple[str, ...]
    below: tuple[str, ...] = ()


def document(declaration: Declaration, stack: str) -> str:
    """Return the graph of ``declaration`` as Markdown."""
    images = declaration.images
    tags = counted(sum(len(matrix_entries(image)) for image in images), "tag")
    title = f"{stack}: {counted(len(images), 'image')} in {declaration.registry}, {tags}"
    drawn = "\n".join(f"  {line}" for line in mermaid(nodes(declaration)))
    return f"# {title}\n\n```mermaid\nflowchart LR\n{drawn}\n```\n"


def mermaid(found: Sequence[Node]) -> list[str]:
    """Return the lines of a flowchart: all nodes, then an arrow to each from what is below it."""
    # A name may be a word of Mermaid's own, such as `end`, so nodes are numbered.
    ids = {node.key: f"n{number}" for number, node in enumerate(found)}
    return [
        *(f'{ids[n.key]}["{"<br/>".join(map(_escaped, n.lines))}"]:::{n.kind}' for n in found),
        *(f"{ids[key]} --> {ids[node.key]}" for node in found for key in node.below),
        "classDef official stroke-width:1px",
        "classDef elsewhere stroke-dasharray:5 4",
    ]


def nodes(declaration: Declaration) -> list[Node]:
    """Return all nodes, each after those that it is built on."""
    images = in_order(declaration.images)
    here = {image.name for image in images}
    stacks = declaration.share.stacks if declaration.share else {}
    official = dict.fromkeys(b for image in images if not image.builds_on for b in image.bases)
    elsewhere = dict.fromkeys(i.builds_on for i in images if i.builds_on not in {"", *here})
    return [
        *(Node(f"official {base}", "official", (_official(base),)) for base in official),
        *(Node(name, "elsewhere", (name, f"of stack {stacks[name]}")) for name in elsewhere),
        *map(_image, images),
    ]


def _escaped(text: str) -> str:
    """Return ``text`` with Mermaid's entities for what ends a label or is markup in one."""
    return re.sub(r"""["#;<>&`\\*]""", lambda found: f"#{ord(found[0])};", text)


def _official(base: str) -> str:
    return "python:X" if base == "full" else f"python:X-{base}"


def _image(image: Image) -> Node:
    versions = f"{counted(len(image.versions), 'version')} on {', '.join(image.bases)}"
    lines = (
        image.name,
        contents(image),
        f"Python {', '.join(image.pythons)}",
        f"{versions}: {counted(len(matrix_entries(image)), 'tag')}",
        f"{counted(len(image.platforms), 'platform')}: {short(image.platforms)}",
    )
    official = tuple(f"official {base}" for base in image.bases)
    return Node(image.name, "image", lines, (image.builds_on,) if image.builds_on else official)
