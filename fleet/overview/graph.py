"""The fleet as a graph: official images, the images built on them, and those built on these."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from fleet.declaration.base_graph import Yanked, in_order
from fleet.declaration.matrix import cells
from fleet.declaration.model import Declaration, Image
from fleet.overview.words import contents, counted, short
from fleet.plan.pointers import pointers

Kind = Literal["official", "elsewhere", "image"]


@dataclass(frozen=True, kw_only=True)
class Box:
    """One node: a heading, lines below it, and the keys of the boxes that it is built on.

    ``depth`` is how many images lie between it and nothing: 0 for official ones. ``title`` is what
    a viewer tells of the box in words.
    """

    key: str
    kind: Kind
    heading: str
    lines: tuple[str, ...]
    title: str
    depth: int
    below: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Graph:
    """All boxes, each after those that it is built on; ``legend`` are lines below the drawing."""

    title: str
    boxes: tuple[Box, ...]
    legend: tuple[str, ...]


def graph(declaration: Declaration, yanked: Yanked, stack: str) -> Graph:
    """Return the graph of ``declaration``; ``yanked`` tells which pointers there are."""
    images = in_order(declaration.images)
    boxes = {box.key: box for box in (*_official(images), *_elsewhere(images, declaration))}
    for image in images:
        parents = tuple(
            [_image_key(image.builds_on)]
            if image.builds_on
            else [_official_key(base) for base in image.bases]
        )
        depth = max(boxes[key].depth for key in parents) + 1
        box = _image(image, yanked.get(image.package, ()), parents, depth)
        boxes[box.key] = box
    return Graph(
        title=_title(declaration, stack),
        boxes=tuple(boxes.values()),
        legend=_legend(declaration),
    )


def _official_key(base: str) -> str:
    return f"official {base}"


def _image_key(name: str) -> str:
    return f"image {name}"


def _official(images: tuple[Image, ...]) -> list[Box]:
    pythons: dict[str, dict[str, None]] = {}
    for image in images:
        for base in image.bases if not image.builds_on else ():
            pythons.setdefault(base, {}).update(dict.fromkeys(image.pythons))
    return [
        Box(
            key=_official_key(base),
            kind="official",
            heading="python:X" if base == "full" else f"python:X-{base}",
            lines=("official image", f"Python {', '.join(found)}"),
            title=f"official Python image, {base}, of Python {', '.join(found)}",
            depth=0,
        )
        for base, found in pythons.items()
    ]


def _elsewhere(images: tuple[Image, ...], declaration: Declaration) -> list[Box]:
    here = {image.name for image in images}
    stacks = declaration.part.stacks if declaration.part else {}
    names = dict.fromkeys(i.builds_on for i in images if i.builds_on and i.builds_on not in here)
    return [
        Box(
            key=_image_key(name),
            kind="elsewhere",
            heading=name,
            lines=(f"of stack {stacks[name]}",),
            title=f"{name}, which stack {stacks[name]} builds",
            depth=0,
        )
        for name in names
    ]


def _image(image: Image, yanked: tuple[str, ...], parents: tuple[str, ...], depth: int) -> Box:
    tags = len(cells(image))
    bases = ", ".join(image.bases)
    lines = (
        contents(image),
        f"Python {', '.join(image.pythons)}",
        f"{counted(len(image.versions), 'version')} on {bases}: {counted(tags, 'tag')}",
        f"{counted(len(image.platforms), 'platform')}: {short(image.platforms)}",
        _pointers(image, yanked),
    )
    return Box(
        key=_image_key(image.name),
        kind="image",
        heading=image.name,
        lines=lines,
        title=f"{image.name}: {'; '.join(lines)}; versions {', '.join(image.versions)}",
        depth=depth,
        below=parents,
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
    tags = sum(len(cells(image)) for image in images)
    return (
        f"{stack}: {counted(len(images), 'image')} in {declaration.registry}, "
        f"{counted(tags, 'tag')}"
    )


def _legend(declaration: Declaration) -> tuple[str, ...]:
    wanted = dict.fromkeys(p for image in declaration.images for p in image.platforms)
    platforms: dict[str, list[str]] = {}
    for platform in wanted:
        platforms.setdefault(declaration.builders[platform], []).append(platform)
    return tuple(f"builder {builder}: {short(built)}" for builder, built in platforms.items())
