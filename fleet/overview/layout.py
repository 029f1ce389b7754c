"""Where the boxes of a graph stand: layers from left to right, so that no two overlap.

Every image is built on one other at most, so images are a forest, and each tree is given a strip of
its own. The layout measures text by characters, because nothing here can ask a viewer's fonts.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from fleet.overview.graph import Box, Graph

CHARACTER = 8.25
"""Width of a character, in pixels: over 0.6 em at :data:`FONT_SIZE`, as monospaced fonts have."""
FONT_SIZE = 13
LINE = 18.0
PADDING = 12.0
MARGIN = 24.0
_LINE_LENGTH = 44
_BETWEEN_LAYERS = 72.0
_BETWEEN_BOXES = 20.0


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A box with its wrapped lines; ``x`` and ``y`` are its upper left corner, in pixels."""

    box: Box
    lines: tuple[str, ...]
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """The height at which arrows leave and arrive."""
        return self.y + self.height / 2


@dataclass(frozen=True, kw_only=True)
class Layout:
    """All boxes in place, and the size of the whole, both in pixels."""

    placed: Mapping[str, Placed]
    width: float
    height: float


def text_width(text: str) -> float:
    """Return the width of ``text``, in pixels."""
    return len(text) * CHARACTER


def layout(graph: Graph) -> Layout:
    """Return the boxes of ``graph`` in place, below a title and above its legend."""
    lines = {box.key: _wrapped(box) for box in graph.boxes}
    heights = {key: len(found) * LINE + 2 * PADDING for key, found in lines.items()}
    widths = _widths(graph.boxes, lines)
    ys = _rows(graph.boxes, heights, MARGIN + 2 * LINE)
    xs = _layers(widths)
    placed = {
        box.key: Placed(
            box=box,
            lines=lines[box.key],
            x=xs[box.depth],
            y=ys[box.key],
            width=widths[box.depth],
            height=heights[box.key],
        )
        for box in graph.boxes
    }
    texts = (graph.title, *graph.legend)
    right = max(*(p.x + p.width for p in placed.values()), *(MARGIN + text_width(t) for t in texts))
    bottom = max(p.y + p.height for p in placed.values()) + (len(graph.legend) + 1) * LINE
    return Layout(placed=placed, width=right + MARGIN, height=bottom + MARGIN)


def _wrapped(box: Box) -> tuple[str, ...]:
    lines = [
        part
        for line in box.lines
        for part in textwrap.wrap(
            line, _LINE_LENGTH, break_long_words=False, break_on_hyphens=False
        )
    ]
    return (box.heading, *lines)


def _widths(boxes: Sequence[Box], lines: Mapping[str, tuple[str, ...]]) -> list[float]:
    """Return the width of each layer: all boxes of one are as wide as its longest line."""
    found = [0.0] * (max(box.depth for box in boxes) + 1)
    for box in boxes:
        longest = max(map(text_width, lines[box.key]))
        found[box.depth] = max(found[box.depth], longest + 2 * PADDING)
    return found


def _layers(widths: Sequence[float]) -> list[float]:
    """Return where each layer begins, from the left."""
    before = accumulate(width + _BETWEEN_LAYERS for width in widths[:-1])
    return [MARGIN, *(MARGIN + x for x in before)]


def _rows(boxes: Sequence[Box], heights: Mapping[str, float], top: float) -> dict[str, float]:
    """Return where each box begins, from the top: a tree in its strip, its root in the middle."""
    children: dict[str, list[str]] = {box.key: [] for box in boxes}
    for box in boxes:
        if box.depth > 1:
            children[box.below[0]].append(box.key)
    strips = _strips(boxes, children, heights)
    begins: dict[str, float] = {}
    roots = [box for box in boxes if box.depth == 1]
    _stack([root.key for root in roots], strips, top, begins)
    for box in boxes:
        if box.depth:
            inner = _stacked([strips[child] for child in children[box.key]])
            start = begins[box.key] + (strips[box.key] - inner) / 2
            _stack(children[box.key], strips, start, begins)
    ys = {key: start + (strips[key] - heights[key]) / 2 for key, start in begins.items()}
    sources, off = _sources(boxes, roots, heights, ys, top)
    # Whichever column is the shorter one goes down, so that nothing leaves the page.
    images = {key: y + max(0.0, -off) for key, y in ys.items()}
    return images | {key: y + max(0.0, off) for key, y in sources.items()}


def _strips(
    boxes: Sequence[Box], children: Mapping[str, list[str]], heights: Mapping[str, float]
) -> dict[str, float]:
    """Return the height of each box with all that is built on it."""
    found: dict[str, float] = {}
    for box in reversed(boxes):
        inner = _stacked([found[child] for child in children[box.key]])
        found[box.key] = max(heights[box.key], inner)
    return found


def _stacked(heights: Sequence[float]) -> float:
    return sum(heights) + _BETWEEN_BOXES * max(0, len(heights) - 1)


def _stack(
    keys: Sequence[str], heights: Mapping[str, float], start: float, begins: dict[str, float]
) -> None:
    for key in keys:
        begins[key] = start
        start += heights[key] + _BETWEEN_BOXES


def _sources(
    boxes: Sequence[Box],
    roots: Sequence[Box],
    heights: Mapping[str, float],
    ys: Mapping[str, float],
    top: float,
) -> tuple[dict[str, float], float]:
    """Return where what nothing here builds begins, and how far it lies above what starts from it.

    The order is that of what starts from each, so that few arrows cross.
    """
    wanted: dict[str, list[float]] = {}
    for root in roots:
        for key in root.below:
            wanted.setdefault(key, []).append(ys[root.key] + heights[root.key] / 2)
    middles = {key: sum(found) / len(found) for key, found in wanted.items()}
    sources = sorted((box for box in boxes if not box.depth), key=lambda box: middles[box.key])
    found: dict[str, float] = {}
    _stack([box.key for box in sources], heights, top, found)
    off = [middles[key] - begin - heights[key] / 2 for key, begin in found.items()]
    return found, sum(off) / len(off)
