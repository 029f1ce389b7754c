"""The packages on GitHub's registry: who sees them, and which repository may write them."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from fleet.declaration.github import GitHub
from fleet.declaration.model import Declaration
from fleet.github.api import Api
from fleet.github.doctor.finding import Finding, fail, note, ok


def look(api: Api, github: GitHub, declaration: Declaration) -> Iterator[Finding]:
    """Yield what is found of each image's package, and of that of its builds.

    No API tells the role of a repository in a package, nor changes who sees it: both are set on
    GitHub's pages.
    """
    owner, _, rest = declaration.registry.partition("/")[2].partition("/")
    for image in declaration.images:
        public = f"{rest}/{image.name}" if rest else image.name
        yield _public(_package(api, owner, public), public, github)
        build = f"{public}/build"
        yield _build(_package(api, owner, build), build, github)


def _public(found: Any, name: str, github: GitHub) -> Finding:
    if found is None:
        return note(
            f"package {name}: not there yet; the first up makes it, private and of no repository",
            "Then open its settings: make it public, and add the repository "
            f"{github.repository} with the role Admin under Manage Actions access",
        )
    if found["visibility"] != "public":
        return note(
            f"package {name}: is {found['visibility']}, so that nobody else can pull it",
            f"Open {found['html_url']}, Package settings, Change visibility",
        )
    return _linked(found, name, github)


def _build(found: Any, name: str, github: GitHub) -> Finding:
    if found is None:
        return note(
            f"package {name}: not there yet; the first up makes it, private",
            f"Then add {github.repository} with the role Admin in its settings; leave it private",
        )
    if found["visibility"] == "public":
        return note(
            f"package {name}: is public, and holds what is not checked yet",
            f"Open {found['html_url']}, Package settings, Change visibility, if nobody uses it",
        )
    return _linked(found, name, github)


def _linked(found: Any, name: str, github: GitHub) -> Finding:
    linked = (found.get("repository") or {}).get("full_name", "")
    if linked.lower() == github.repository.lower():
        return ok(f"package {name}: is {found['visibility']}, and linked to {linked}")
    return fail(
        f"package {name}: is linked to {linked or 'no repository'}, not {github.repository}",
        f"Open {found['html_url']}, Package settings, Manage Actions access, and add "
        f"{github.repository} with the role Admin: the workflows write with its token",
    )


def _package(api: Api, owner: str, name: str) -> Any:
    # The slashes of a nested package are part of its name.
    places = (f"/{kind}/{owner}/packages/container/{quote(name, safe='')}"
              for kind in ("orgs", "users"))  # fmt: skip
    return next((found for found in map(api.find, places) if found is not None), None)
