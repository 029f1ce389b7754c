"""All files that a fleet's repository is given, but for what only a run can tell."""

from collections.abc import Mapping

from fleet.github.render.workflows import files
from fleet.pages.readme import CATALOG, pages
from fleet.plan.plan import WholeFleet


def known_files(whole: WholeFleet, templates: Mapping[str, str]) -> dict[str, str]:
    """Return the text of each file by its path: workflows, Dependabot's, and the catalog of images.

    None where no repository on GitHub is declared. The images' pages are rendered as well, and left
    out: they hold digests. ``templates`` is what :func:`fleet.pages.readme.pages` takes.

    :raises DeclarationError: when a template can't be rendered, or an action is not pinned. For a
        page it would come too late after the first build.
    """
    if whole.declaration.github is None:
        return {}
    catalog = pages(whole.declaration, whole.plan, None, templates)[CATALOG]
    workflows = files(whole.declaration, whole.name, templates, whole.stacks)
    return {**workflows, CATALOG: catalog}
