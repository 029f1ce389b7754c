"""The pages of a fleet's images: their text is known once their tags are."""

from collections.abc import Mapping
from typing import Any

import pulumi

from fleet.declaration.model import Image
from fleet.pages.readme import page, page_path
from fleet.pages.view import rows
from fleet.plan.plan import WholeFleet


def image_pages(
    whole: WholeFleet,
    known: Mapping[str, pulumi.Output[dict[str, Any]]],
    templates: Mapping[str, str],
) -> dict[str, pulumi.Output[str]]:
    """Return the text of each page of a fleet's images by its path in the repository.

    ``known`` are the rows ``tags`` and ``pointers`` by image; a page waits for those of its own
    image alone, and leaves out a tag that failed. ``templates`` is what
    :func:`fleet.pages.readme.pages` takes.
    """

    def text(image: Image) -> pulumi.Output[str]:
        return known[image.name].apply(
            lambda held: page(image, whole.declaration, whole.plan, rows(held), templates)
        )

    return {page_path(image.name): text(image) for image in whole.declaration.images}
