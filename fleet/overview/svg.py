"""A graph as SVG 1.1: the same bytes for the same graph, text escaped, with titles for readers."""

import xml.etree.ElementTree as ET

from fleet.overview.graph import Graph
from fleet.overview.layout import FONT_SIZE, LINE, MARGIN, PADDING, Layout, Placed, layout

_NAMESPACE = "http://www.w3.org/2000/svg"
# A viewer without media queries draws the light form on its own white ground, which reads anywhere.
_STYLE = """
.ground { fill: #ffffff }
text { fill: #1f2328 }
.faint { fill: #59636e }
.box { stroke-width: 1.5 }
.image { fill: #ddf4ff; stroke: #0969da }
.official { fill: #f6f8fa; stroke: #818b98 }
.elsewhere { fill: #ffffff; stroke: #818b98; stroke-dasharray: 5 4 }
.edge { fill: none; stroke: #59636e; stroke-width: 1.5 }
.head { fill: #59636e }
@media (prefers-color-scheme: dark) {
  .ground { fill: #0d1117 }
  text { fill: #f0f6fc }
  .faint { fill: #9198a1 }
  .image { fill: #121d2f; stroke: #4493f8 }
  .official { fill: #151b23; stroke: #656c76 }
  .elsewhere { fill: #0d1117; stroke: #656c76 }
  .edge { stroke: #9198a1 }
  .head { fill: #9198a1 }
}
"""
_BASELINE = 13.0  # from the top of a line to its baseline
_HEAD = 9.0  # length of an arrow's head


def drawing(graph: Graph) -> bytes:
    """Return ``graph`` as an SVG document in UTF-8."""
    placed = layout(graph)
    width, height = _number(placed.width), _number(placed.height)
    size = {"width": width, "height": height, "viewBox": f"0 0 {width} {height}"}
    root = ET.Element("svg", {"xmlns": _NAMESPACE, "version": "1.1", **size})
    ET.SubElement(root, "title").text = graph.title
    ET.SubElement(root, "style", {"type": "text/css"}).text = _STYLE
    ET.SubElement(root, "rect", {"class": "ground", "width": "100%", "height": "100%"})
    fonts = "DejaVu Sans Mono, Menlo, Consolas, monospace"
    drawn = ET.SubElement(root, "g", {"font-family": fonts, "font-size": str(FONT_SIZE)})
    _text(drawn, graph.title, MARGIN, MARGIN, {"font-weight": "bold"})
    for box in placed.placed.values():
        for key in box.box.below:
            _edge(drawn, placed.placed[key], box)
    for box in placed.placed.values():
        _box(drawn, box)
    _legend(drawn, graph, placed)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _box(parent: ET.Element, placed: Placed) -> None:
    group = ET.SubElement(parent, "g")
    ET.SubElement(group, "title").text = placed.box.title
    corner = {"x": _number(placed.x), "y": _number(placed.y), "rx": "6"}
    size = {"width": _number(placed.width), "height": _number(placed.height)}
    ET.SubElement(group, "rect", {"class": f"box {placed.box.kind}", **corner, **size})
    for number, line in enumerate(placed.lines):
        look = {"class": "faint"} if number else {"font-weight": "bold"}
        top = placed.y + PADDING + number * LINE
        _text(group, line, placed.x + PADDING, top, look)


def _edge(parent: ET.Element, start: Placed, end: Placed) -> None:
    """Draw a curve that leaves and arrives level, and its head by hand: not all know markers."""
    x, y = start.x + start.width, start.middle
    tip, level = end.x, end.middle
    half = (x + tip) / 2
    group = ET.SubElement(parent, "g")
    ET.SubElement(group, "title").text = f"{end.box.heading} is built on {start.box.heading}"
    points = [(x, y), (half, y), (half, level), (tip - _HEAD, level)]
    first, *rest = (f"{_number(a)},{_number(b)}" for a, b in points)
    ET.SubElement(group, "path", {"class": "edge", "d": f"M{first} C{' '.join(rest)}"})
    corners = [(tip, level), (tip - _HEAD, level - _HEAD / 2), (tip - _HEAD, level + _HEAD / 2)]
    head = " ".join(f"{_number(a)},{_number(b)}" for a, b in corners)
    ET.SubElement(group, "polygon", {"class": "head", "points": head})


def _legend(parent: ET.Element, graph: Graph, placed: Layout) -> None:
    top = placed.height - MARGIN - len(graph.legend) * LINE
    for number, line in enumerate(graph.legend):
        _text(parent, line, MARGIN, top + number * LINE, {"class": "faint"})


def _text(parent: ET.Element, text: str, x: float, top: float, look: dict[str, str]) -> None:
    place = {"x": _number(x), "y": _number(top + _BASELINE)}
    ET.SubElement(parent, "text", {**place, **look}).text = text


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
