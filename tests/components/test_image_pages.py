"""Pages under a recording engine: each known as soon as the tags of its own image are."""

import asyncio
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from components.image_pages import image_pages
from components.stack_references import Elsewhere
from fleet.declaration.model import Declaration
from fleet.declaration.parse import parse
from fleet.declaration.split import FleetStack
from fleet.pages.readme import pages
from fleet.plan.plan import WholeFleet
from tests.components.engine import STACK, Engine
from tests.fleet import examples
from tests.fleet.pages.readmes import TEMPLATES, outputs, plan_of, tags_in


def two_images() -> Declaration:
    return parse(examples.config(images={"web": examples.image(), "other": examples.image()}))


def rows(declaration: Declaration, *failed: str) -> dict[str, dict[str, Any]]:
    """Return what an up of each image would export."""
    plan, told = plan_of(declaration), outputs(plan_of(declaration), *failed)
    return {
        image.name: {
            kind: [row for row in told[kind] if row["tag"].startswith(f"{image.repository}:")]
            for kind in ("tags", "pointers")
        }
        for image in plan.images
    }


def run(declaration: Declaration, told: dict[str, Any], unknown: str = "") -> dict[str, Any]:
    """Return the text of each page, `None` where it can't be known in a preview."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        mocks.set_mocks(Engine(), project="fleet", stack="test", preview=True)
        return loop.run_until_complete(_texts(declaration, told, unknown))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def _texts(declaration: Declaration, told: dict[str, Any], unknown: str) -> dict[str, Any]:
    known: dict[str, pulumi.Output[dict[str, Any]]] = {
        name: pulumi.Output.all(
            tags=pulumi.Output.all(
                *(_output(row, known=row["tag"] != unknown) for row in kinds["tags"])
            ),
            pointers=pulumi.Output.all(*(_output(row, known=True) for row in kinds["pointers"])),
        )
        for name, kinds in told.items()
    }
    made = image_pages(whole(declaration), known, TEMPLATES)
    return {path: await text.future() for path, text in made.items()}


def whole(declaration: Declaration, *stacks: FleetStack) -> WholeFleet:
    return WholeFleet(
        name="prod", declaration=declaration, plan=plan_of(declaration), stacks=stacks
    )


def _output(row: dict[str, Any], *, known: bool) -> pulumi.Output[dict[str, Any]]:
    told, is_known = asyncio.Future[dict[str, Any]](), asyncio.Future[bool]()
    told.set_result(row)
    is_known.set_result(known)
    return pulumi.Output(set(), told, is_known)


def test_pages_say_what_the_run_published() -> None:
    declaration = two_images()
    made = run(declaration, rows(declaration))
    assert set(made) == {"docs/images/web.md", "docs/images/other.md"}
    unknown = pages(declaration, plan_of(declaration), None, TEMPLATES)
    for path, text in made.items():
        assert f"`{examples.DIGEST}`" in text
        assert examples.DIGEST not in unknown[path]
        assert tags_in(text) == tags_in(unknown[path])


@pytest.mark.parametrize("changing", ["web", "other"])
def test_a_tag_that_is_to_be_built_leaves_the_page_of_another_image_known(changing: str) -> None:
    declaration = two_images()
    tag = f"{declaration.registry}/{changing}:py3.11-slim-0.34.0"
    made = run(declaration, rows(declaration), unknown=tag)
    unknown = {path for path, text in made.items() if text is None}
    assert unknown == {f"docs/images/{changing}.md"}


def test_a_tag_that_failed_is_on_no_page() -> None:
    declaration = two_images()
    made = run(declaration, rows(declaration, "py3.11-slim-0.34.0"))
    for text in made.values():
        assert "py3.11-slim-0.34.0" not in tags_in(text)
        assert "py3.11-slim-0.33.0" in tags_in(text)


WEB = FleetStack(name="prod-web", images=("web",), after=(), github=False)
OTHER = FleetStack(name="prod-other", images=("other",), after=(), github=False)
GITHUB = FleetStack(name="prod-github", images=(), after=(), github=True)


def run_apart(told: dict[str, Any], engine: Engine) -> dict[str, str]:
    """Return the text of each page that the stack for GitHub makes of what two others export."""
    engine.stacks |= {f"organization/fleet/prod-{name}": kinds for name, kinds in told.items()}
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    async def texts() -> dict[str, str]:
        stacks = (WEB, OTHER, GITHUB)
        known = Elsewhere().published(stacks, but="prod-github")
        made = image_pages(whole(two_images(), *stacks), known, TEMPLATES)
        return {path: str(await text.future()) for path, text in made.items()}

    try:
        mocks.set_mocks(engine, project="fleet", stack="prod-github", organization="organization")
        return loop.run_until_complete(texts())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_the_pages_of_a_split_fleet_are_those_of_one_stack() -> None:
    told, engine = rows(two_images()), Engine()
    assert run_apart(told, engine) == run(two_images(), told)
    assert sorted(asked.name for asked in engine.of(STACK)) == [
        "organization/fleet/prod-other",
        "organization/fleet/prod-web",
    ]


def test_a_stack_that_was_never_brought_up_leaves_the_others_pages_as_they_are() -> None:
    told = rows(two_images())
    made = run_apart({**told, "other": {}}, Engine())
    assert made["docs/images/web.md"] == run(two_images(), told)["docs/images/web.md"]
    assert "Nothing has been published yet." in made["docs/images/other.md"]
    assert tags_in(made["docs/images/other.md"]) == set()
