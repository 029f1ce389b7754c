"""The fleet as a graph: what its nodes say, and the Mermaid text that is written of them."""

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.stack_share import ShareConfig, narrowed
from fleet.overview.graph import Node, document, mermaid, nodes
from tests.fleet import examples

LABEL = re.compile(r'n\d+\["(?P<label>[^"]*)"\]:::(?:official|elsewhere|image)')


def declared(builds_on: dict[str, str], **overrides: Any) -> Declaration:
    """Images by name, each with the name of what it is built on, or nothing."""
    images = {
        name: examples.image(**{"builds-on": below} if below else {}, **overrides)
        for name, below in builds_on.items()
    }
    return parse(examples.config(images=images))


def nodes_of(builds_on: dict[str, str], **overrides: Any) -> list[Node]:
    return nodes(declared(builds_on, **overrides))


def test_official_images_come_first_then_what_is_built_on_them() -> None:
    found = nodes_of({"top": "web", "web": ""}, bases=["full", "slim"])
    assert [(node.lines[0], node.kind) for node in found] == [
        ("python:X", "official"),
        ("python:X-slim", "official"),
        ("web", "image"),
        ("top", "image"),
    ]
    assert found[2].below == (found[0].key, found[1].key)
    assert found[3].below == (found[2].key,)


def test_an_image_tells_what_is_in_it_and_how_much_of_it_there_is() -> None:
    (_, web) = nodes_of({"web": ""})
    assert web.lines == (
        "web",
        "uvicorn with gunicorn",
        "Python 3.11",
        "2 versions on slim: 2 tags",
        "2 platforms: amd64, arm/v7",
    )


def test_tags_that_are_left_out_are_not_counted() -> None:
    exclude = [{"version": "0.33.0", "because": "it does not work"}]
    written = document(declared({"web": ""}, exclude=exclude), "dev")
    assert "<br/>2 versions on slim: 1 tag<br/>" in written
    assert written.startswith("# dev: 1 image in localhost:5443/multi-py, 1 tag\n")


def test_an_image_of_another_stack_is_a_node_of_its_own() -> None:
    whole = declared({"web": "", "top": "web"})
    share = ShareConfig(whole="dev", only=("top",), below={"web": "dev-web"}, github=False)
    found = nodes(narrowed(whole, share, "Pulumi.dev-top.yaml"))
    assert [(node.lines[0], node.kind) for node in found] == [
        ("web", "elsewhere"),
        ("top", "image"),
    ]
    assert found[0].lines[1:] == ("of stack dev-web",)


def test_the_document_is_markdown_with_one_drawing() -> None:
    assert document(declared({"web": "", "end": "web"}), "dev") == (
        "# dev: 2 images in localhost:5443/multi-py, 4 tags\n"
        "\n"
        "```mermaid\n"
        "flowchart LR\n"
        '  n0["python:X-slim"]:::official\n'
        '  n1["web<br/>uvicorn with gunicorn<br/>Python 3.11<br/>2 versions on slim: 2 tags<br/>'
        '2 platforms: amd64, arm/v7"]:::image\n'
        '  n2["end<br/>uvicorn with gunicorn<br/>Python 3.11<br/>2 versions on slim: 2 tags<br/>'
        '2 platforms: amd64, arm/v7"]:::image\n'
        "  n0 --> n1\n"
        "  n1 --> n2\n"
        "  classDef official stroke-width:1px\n"
        "  classDef elsewhere stroke-dasharray:5 4\n"
        "```\n"
    )


def test_what_ends_a_label_or_is_markup_in_one_is_escaped() -> None:
    (written, *_) = mermaid((Node(key="a", kind="image", lines=('"a" <b>', "`c` #d;")),))
    assert written == ('n0["#34;a#34; #60;b#62;<br/>#96;c#96; #35;d#59;"]:::image')


@given(st.lists(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"))), min_size=1))
def test_any_text_is_one_label_that_reads_back(lines: list[str]) -> None:
    (written, *_) = mermaid((Node(key="a", kind="image", lines=tuple(lines)),))
    found = LABEL.fullmatch(written)
    assert found
    decoded = [
        re.sub(r"#(\d+);", lambda code: chr(int(code[1])), part)
        for part in found["label"].split("<br/>")
    ]
    assert decoded == lines
