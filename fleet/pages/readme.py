"""The pages of a fleet's images: one per image, and a catalog of all."""

from collections.abc import Mapping
from typing import Any, Final

import jinja2

from fleet.declaration.model import Declaration, Image
from fleet.declaration.problems import DeclarationError, Problem
from fleet.pages.markdown import contents, lines_of
from fleet.pages.prose import environment
from fleet.pages.view import Rows, image_view
from fleet.plan.plan import Plan
from fleet.templating import Verbatim

FOLDER: Final = "docs/images"
"""Where the pages are in a repository; they link to one another by file name."""

CATALOG: Final = f"{FOLDER}/README.md"
"""The page that leads to all others; it says nothing that only a run can tell."""

TEXTS: Final = ("description", "quick_start", "documentation")
"""The names of an image's own texts, templates like the rest; ``readme/defaults`` has the others'.

They are ``assets/<image>/docs/<text>.md``, of no build's context: a new text rebuilds nothing.
"""


def pages(
    declaration: Declaration, plan: Plan, published: Rows | None, templates: Mapping[str, str]
) -> dict[str, str]:
    """Return the text of each page by its path in the repository.

    With ``published`` they show digests and sizes, and name no tag that is not there. It is
    ``None`` where that is not known: then all that is planned is named. ``templates`` holds the
    files of ``templates/`` by their path below it, and the images' own texts by their path below
    the root of the checkout.

    :raises DeclarationError: naming the template that can't be rendered, and why.
    """
    images = [_view(image, declaration, plan, None) for image in declaration.images]
    values = {"registry": declaration.registry, "images": images}
    catalog = _rendered(environment(templates), "readme/catalog.md.jinja", values)
    each = {
        page_path(image.name): page(image, declaration, plan, published, templates)
        for image in declaration.images
    }
    return {CATALOG: catalog, **each}


def stack_readme(
    declaration: Declaration, plan: Plan, stack: str, templates: Mapping[str, str]
) -> str:
    """Return what the output ``readme`` of a stack says, which Pulumi Cloud shows on its page.

    It is made of the declaration alone: an update that moves a digest leaves it as it was.

    :raises DeclarationError: as of :func:`pages`.
    """
    views = [_view(image, declaration, plan, None) for image in declaration.images]
    counts = {image.name: len(image.pointers) for image in plan.images}
    images = [{**view, "named": counts[view["declared"].name]} for view in views]
    values = {"registry": declaration.registry, "images": images, "stack": stack}
    return _rendered(environment(templates), "readme/stack.md.jinja", values)


def page_path(name: str) -> str:
    """Return where the page of the image ``name`` is in the repository."""
    return f"{FOLDER}/{name}.md"


def page(
    image: Image,
    declaration: Declaration,
    plan: Plan,
    published: Rows | None,
    templates: Mapping[str, str],
) -> str:
    """Return the page of ``image``, for which ``published`` need know no other.

    :raises DeclarationError: as of :func:`pages`.
    """
    found = environment(templates)
    own = f"assets/{image.name}/docs"
    values = {
        "host": declaration.host,
        "image": _view(image, declaration, plan, published),
        "declared": image,
        "signing": declaration.signing,
        "checks": declaration.signing.keyless.checks if declaration.signing.keyless else None,
        # The first that exists is included.
        "texts": {text: [f"{own}/{text}.md", f"readme/defaults/{text}.md"] for text in TEXTS},
        "names": set(declaration.by_name),
    }
    body = _rendered(found, "readme/body.md.jinja", values)
    head = {**values, "contents": Verbatim(contents(body))}
    return f"{_rendered(found, 'readme/head.md.jinja', head)}\n{body}"


def _view(
    image: Image, declaration: Declaration, plan: Plan, published: Rows | None
) -> dict[str, Any]:
    planned = next(each for each in plan.images if each.name == image.name)
    return image_view(image, planned, declaration, published, plan.pythons)


def _rendered(found: jinja2.Environment, name: str, values: Mapping[str, Any]) -> str:
    place = f"templates/{name} or what it includes"
    try:
        text = found.get_template(name).render(values)
    except (jinja2.TemplateError, ValueError) as error:
        if isinstance(error, jinja2.TemplateSyntaxError):
            place = f"{error.name}, line {error.lineno}"
        remedy = "Correct the template or the text that it includes"
        problem = Problem(path=place, what=f"can't be rendered: {error}", remedy=remedy)
        raise DeclarationError([problem]) from None
    return _tightened(text)


def _tightened(text: str) -> str:
    """Return ``text`` with single blank lines, one before each heading, whatever was left out."""
    lines: list[str] = []
    for line, is_code in lines_of(text.strip()):
        if not is_code and line.startswith("#") and lines and lines[-1]:
            lines.append("")
        if is_code or line.strip() or (lines and lines[-1]):
            lines.append(line if is_code else line.rstrip())
    return "\n".join(lines) + "\n"
