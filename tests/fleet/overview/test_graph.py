"""The fleet as a graph: the Mermaid text that is written of it."""

from typing import Any

from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.stack_share import ShareConfig, narrowed
from fleet.overview.graph import document
from tests.fleet import examples


def declared(builds_on: dict[str, str], **overrides: Any) -> Declaration:
    """Images by name, each with the name of what it is built on, or nothing."""
    images = {
        name: examples.image(**{"builds-on": below} if below else {}, **overrides)
        for name, below in builds_on.items()
    }
    return parse(examples.config(images=images))


def test_the_document_is_markdown_with_one_drawing_from_official_images_on() -> None:
    fleet = declared({"end": "web", "web": ""}, bases=["full", "slim"])
    assert document(fleet, "dev") == (
        "# dev: localhost:5443/multi-py\n"
        "\n"
        "```mermaid\n"
        "flowchart LR\n"
        '  n0["python:X"]\n'
        '  n1["web"]\n'
        '  n2["python:X-slim"]\n'
        '  n3["end"]\n'
        "  n0 --> n1\n"
        "  n2 --> n1\n"
        "  n1 --> n3\n"
        "```\n"
    )


def test_an_image_of_another_stack_is_a_node_of_its_own() -> None:
    whole = declared({"web": "", "top": "web"})
    share = ShareConfig(whole="dev", only=("top",), below={"web": "dev-web"}, github=False)
    drawn = document(narrowed(whole, share, "Pulumi.dev-top.yaml"), "dev-top")
    assert '  n0["web of stack dev-web"]\n  n1["top"]\n  n0 --> n1\n' in drawn
