"""The pages of a fleet's images: their text is known once their tags are."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.fleet import Rows
from fleet.declaration import Declaration, Image
from fleet.plan import Plan
from render.published import published
from render.readme import page, page_path


def image_pages(
    declaration: Declaration, plan: Plan, rows: Mapping[str, Rows], templates: Mapping[str, str]
) -> dict[str, pulumi.Output[str]]:
    """Return the text of each image's page by its path in the repository; ``rows`` are by image.

    A page waits for the tags of its own image and no other, so that a preview shows just the pages
    that may change. It leaves out a tag that failed: nothing tells whether that one is there.

    ``templates`` is what :func:`render.readme.pages` takes.
    """
    return {
        page_path(image.name): _page(image, declaration, plan, rows[image.name], templates)
        for image in declaration.images
    }


def _page(
    image: Image, declaration: Declaration, plan: Plan, rows: Rows, templates: Mapping[str, str]
) -> pulumi.Output[str]:
    def text(known: dict[str, Any]) -> str:
        return page(image, declaration, plan, published(known), templates)

    known: pulumi.Output[dict[str, Any]] = pulumi.Output.all(
        tags=pulumi.Output.all(*rows.tags), pointers=pulumi.Output.all(*rows.pointers)
    )
    return known.apply(text)
