"""The pages of a fleet's images: one an image, and a catalog of all."""

from collections.abc import Mapping
from typing import Any, Final

import jinja2

from fleet.declaration.model import Declaration, Image
from fleet.declaration.problems import DeclarationError, Problem
from fleet.pages.prose import environment
from fleet.pages.published import Published
from fleet.pages.toc import contents, lines_of
from fleet.pages.view import image_view
from fleet.plan.plan import ImagePlan, Plan
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
    declaration: Declaration,
    plan: Plan,
    published: Published | None,
    templates: Mapping[str, str],
) -> dict[str, str]:
    """Return the text of each page by its path in the repository.

    With ``published`` they show digests and sizes, and name no tag that is not there. It is
    ``None`` where that is not known: then all that is planned is named. ``templates`` holds the
    files of ``templates/`` by their path below it, and the images' own texts by their path below
    the root of the checkout.

    :raises DeclarationError: naming the template that can't be rendered, and why.
    """
    return {
        CATALOG: _catalog(declaration, plan, templates),
        **{
            page_path(image.name): page(image, declaration, plan, published, templates)
            for image in declaration.images
        },
    }


def page_path(name: str) -> str:
    """Return where the page of the image ``name`` is in the repository."""
    return f"{FOLDER}/{name}.md"


def _catalog(declaration: Declaration, plan: Plan, templates: Mapping[str, str]) -> str:
    plans = _by_name(plan)
    images = [image_view(i, plans[i.name], declaration, None) for i in declaration.images]
    values = {"registry": declaration.registry, "images": images}
    return _rendered(environment(templates), "readme/catalog.md.jinja", values)


def page(
    image: Image,
    declaration: Declaration,
    plan: Plan,
    published: Published | None,
    templates: Mapping[str, str],
) -> str:
    """Return the page of ``image``, for which ``published`` need know no other.

    :raises DeclarationError: as of :func:`pages`.
    """
    view = image_view(image, _by_name(plan)[image.name], declaration, published)
    found = environment(templates)
    values = {
        "host": declaration.host,
        "image": view,
        "declared": image,
        "texts": {text: [text_path(image.name, text), _default(text)] for text in TEXTS},
        "names": {other.name for other in declaration.images},
    }
    body = _rendered(found, "readme/body.md.jinja", values)
    head = {**values, "contents": Verbatim(contents(body))}
    return f"{_rendered(found, 'readme/head.md.jinja', head)}\n{body}"


def _by_name(plan: Plan) -> dict[str, ImagePlan]:
    return {image.name: image for image in plan.images}


def text_path(image: str, text: str) -> str:
    """Return where an image's own text is in the checkout, if it has one."""
    return f"assets/{image}/docs/{text}.md"


def _default(text: str) -> str:
    return f"readme/defaults/{text}.md"


def _rendered(found: jinja2.Environment, name: str, values: Mapping[str, Any]) -> str:
    try:
        text = found.get_template(name).render(values)
    except jinja2.TemplateSyntaxError as error:
        place = f"{error.name}, line {error.lineno}"
        raise _failure(place, error) from None
    except (jinja2.TemplateError, ValueError) as error:
        raise _failure(f"templates/{name} or what it includes", error) from None
    return _tightened(text)


def _failure(place: str, error: Exception) -> DeclarationError:
    remedy = "Correct the template or the text that it includes"
    problem = Problem(path=place, what=f"can't be rendered: {error}", remedy=remedy)
    return DeclarationError([problem])


def _tightened(text: str) -> str:
    """Return ``text`` with single blank lines, one before each heading, whatever was left out."""
    lines: list[str] = []
    for line, is_code in lines_of(text.strip()):
        if not is_code and line.startswith("#") and lines and lines[-1]:
            lines.append("")
        if is_code or line.strip() or (lines and lines[-1]):
            lines.append(line if is_code else line.rstrip())
    return "\n".join(lines) + "\n"
