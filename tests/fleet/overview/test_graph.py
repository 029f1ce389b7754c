"""The fleet as a graph, its layout, and the SVG that is drawn of it."""

import xml.etree.ElementTree as ET
from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.stack_share import Share, narrowed
from fleet.overview.graph import Graph, graph
from fleet.overview.layout import CHARACTER, FONT_SIZE, LINE, MARGIN, PADDING, layout, text_width
from fleet.overview.svg import drawing
from tests.fleet import examples

SVG = "{http://www.w3.org/2000/svg}"


def declared(builds_on: dict[str, str], **overrides: Any) -> Declaration:
    """Images by name, each with the name of what it is built on, or nothing."""
    images = {
        name: examples.image(**{"builds-on": below} if below else {}, **overrides)
        for name, below in builds_on.items()
    }
    return parse(examples.config(images=images))


def graph_of(builds_on: dict[str, str], **overrides: Any) -> Graph:
    return graph(declared(builds_on, **overrides), {}, "dev")


def test_official_images_come_first_then_what_is_built_on_them() -> None:
    found = graph_of({"top": "web", "web": ""}, bases=["full", "slim"])
    assert [(b.heading, b.depth, b.kind) for b in found.boxes] == [
        ("python:X", 0, "official"),
        ("python:X-slim", 0, "official"),
        ("web", 1, "image"),
        ("top", 2, "image"),
    ]
    assert found.boxes[2].below == (found.boxes[0].key, found.boxes[1].key)
    assert found.boxes[3].below == (found.boxes[2].key,)


def test_an_image_tells_what_is_in_it_and_how_much_of_it_there_is() -> None:
    (_, web) = graph_of({"web": ""}).boxes
    assert web.lines == (
        "uvicorn with gunicorn",
        "Python 3.11",
        "2 versions on slim: 2 tags",
        "2 platforms: amd64, arm/v7",
        "3 pointers: 1 LATEST, 2 X.Y",
    )
    assert "versions 0.33.0, 0.34.0" in web.title


def test_pointers_are_those_that_yanked_versions_leave() -> None:
    (_, web) = graph(declared({"web": ""}), {"uvicorn": ("0.33.0",)}, "dev").boxes
    assert web.lines[-1] == "2 pointers: 1 LATEST, 1 X.Y"


def test_tags_that_are_left_out_are_not_counted() -> None:
    exclude = [{"version": "0.33.0", "because": "it does not work"}]
    found = graph_of({"web": ""}, exclude=exclude)
    assert "2 versions on slim: 1 tag" in found.boxes[1].lines
    assert found.title == "dev: 1 image in localhost:5443/multi-py, 1 tag"


def test_builders_are_told_with_their_platforms() -> None:
    assert graph_of({"web": ""}).legend == ("builder fleet: amd64, arm/v7",)


def test_an_image_of_another_stack_is_a_box_of_its_own() -> None:
    whole = declared({"web": "", "top": "web"})
    share = Share(whole="dev", only=("top",), below={"web": "dev-web"}, github=False)
    found = graph(narrowed(whole, share, "Pulumi.dev-top.yaml"), {}, "dev-top")
    assert [(b.heading, b.kind) for b in found.boxes] == [("web", "elsewhere"), ("top", "image")]
    assert found.boxes[0].lines == ("of stack dev-web",)


@st.composite
def fleets(draw: st.DrawFn) -> dict[str, str]:
    """Up to 14 images, some of long names, each built on one before it or on none."""
    count = draw(st.integers(1, 14))
    long = draw(st.sets(st.integers(0, count - 1)))
    names = [f"image-{n}{'-of-a-long-name' * 6 if n in long else ''}" for n in range(count)]
    return {
        name: draw(st.sampled_from(["", *names[:position]])) for position, name in enumerate(names)
    }


def test_text_is_measured_wider_than_any_common_monospaced_font_draws_it() -> None:
    # DejaVu Sans Mono, Menlo: 1233 of 2048 units; Consolas and Courier are narrower.
    assert CHARACTER >= FONT_SIZE * 1233 / 2048


@settings(max_examples=60, deadline=None)
@given(fleets(), st.integers(1, 2))
def test_no_two_boxes_overlap_and_all_of_them_fit(builds_on: dict[str, str], bases: int) -> None:
    found = layout(graph_of(builds_on, bases=["slim", "full"][:bases]))
    placed = list(found.placed.values())
    assert len(placed) == len(builds_on) + bases
    for one, two in combinations(placed, 2):
        apart_across = one.x + one.width < two.x or two.x + two.width < one.x
        apart_down = one.y + one.height < two.y or two.y + two.height < one.y
        assert apart_across or apart_down, (one.box.key, two.box.key)
    for box in placed:
        assert MARGIN <= box.x <= found.width - MARGIN - box.width
        assert MARGIN + 2 * LINE <= box.y <= found.height - MARGIN - box.height
        assert all(text_width(line) <= box.width - 2 * PADDING for line in box.lines)
        assert all(found.placed[key].x + found.placed[key].width < box.x for key in box.box.below)


def test_the_column_of_official_images_and_the_first_image_stand_side_by_side() -> None:
    found = layout(graph_of({"web": ""}, bases=["slim", "full"]))
    middles = {key: placed.middle for key, placed in found.placed.items()}
    official = (middles["official slim"] + middles["official full"]) / 2
    assert official == middles["image web"]


def test_the_drawing_is_svg_with_a_title_for_each_box_and_edge() -> None:
    found = graph_of({"web": "", "top": "web", "api": "web"})
    root = ET.fromstring(drawing(found))  # noqa: S314 - our own bytes
    assert (root.tag, root.get("version")) == (f"{SVG}svg", "1.1")
    titles = {str(title.text) for title in root.iter(f"{SVG}title")}
    assert {found.title, *(box.title for box in found.boxes)} <= titles
    assert {t for t in titles if "is built on" in t} == {
        "web is built on python:X-slim",
        "top is built on web",
        "api is built on web",
    }
    texts = {str(text.text) for text in root.iter(f"{SVG}text")}
    assert {line for box in found.boxes for line in (box.heading, *box.lines)} <= texts


def test_text_is_escaped() -> None:
    drawn = drawing(Graph(title="a <b> & c", boxes=graph_of({"web": ""}).boxes, legend=()))
    assert b"a &lt;b&gt; &amp; c" in drawn
    assert ET.fromstring(drawn).findtext(f"{SVG}title") == "a <b> & c"  # noqa: S314


def test_the_same_graph_gives_the_same_bytes() -> None:
    images = {"web": "", "top": "web"}
    assert drawing(graph_of(images)) == drawing(graph_of(images))
