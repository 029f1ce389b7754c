"""The packages on GitHub's registry: who sees them, and which repository may write them."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from fleet.declaration.github import GitHub
from fleet.declaration.model import Declaration
from fleet.github.api import Api
from fleet.github.doctor.finding import Finding, fail, note, ok
from fleet.github.render.logins import GHCR


def look(api: Api, github: GitHub, declaration: Declaration) -> Iterator[Finding]:
    """Yield what is found of each image's package, and of that of its builds.

    No API tells the role of a repository in a package, nor changes who sees it: both are set on
    GitHub's pages.
    """
    owner, _, rest = declaration.registry.partition("/")[2].partition("/")
    for image in declaration.images:
        public = f"{rest}/{image.name}" if rest else image.name
        for name, is_build in ((public, False), (f"{public}/build", True)):
            found = _package(api, owner, name)
            yield _looked_at(found, name, github, is_build=is_build)
    for mirror in declaration.mirrors:
        if mirror.host == GHCR:
            yield from (_mirrored(api, mirror.place, image.name) for image in declaration.images)


def _mirrored(api: Api, mirror: str, image: str) -> Finding:
    """Return who sees a package of a mirror: jobs that only look have no login for it."""
    owner, _, rest = mirror.partition("/")[2].partition("/")
    name = f"{rest}/{image}" if rest else image
    found = _package(api, owner, name)
    if found and found["visibility"] == "public":
        return ok(f"mirror {mirror}/{image} is public")
    seen = f"is {found['visibility']}" if found else "is not there yet, or private"
    return note(
        f"mirror {mirror}/{image} {seen}: jobs that only look can't read it",
        "Once the first up made it, open its Package settings, Change visibility",
    )


def _looked_at(found: Any, name: str, github: GitHub, *, is_build: bool) -> Finding:
    place, admin = f"package {name}:", f"{github.repository} with the role Admin"
    if found is None and is_build:
        return note(
            f"{place} not there yet; the first up makes it, private",
            f"Then add {admin} in its settings; leave it private",
        )
    if found is None:
        return note(
            f"{place} not there yet; the first up makes it, private and of no repository",
            "Then open its settings: make it public, and add the repository "
            f"{admin} under Manage Actions access",
        )
    visible, settings = found["visibility"], f"Open {found['html_url']}, Package settings"
    if is_build and visible == "public":
        return note(
            f"{place} is public, and holds what is not checked yet",
            f"{settings}, Change visibility, if nobody uses it",
        )
    if not is_build and visible != "public":
        return note(
            f"{place} is {visible}, so that nobody else can pull it",
            f"{settings}, Change visibility",
        )
    linked = (found.get("repository") or {}).get("full_name", "")
    if linked.lower() == github.repository.lower():
        return ok(f"{place} is {visible}, and linked to {linked}")
    return fail(
        f"{place} is linked to {linked or 'no repository'}, not {github.repository}",
        f"{settings}, Manage Actions access, and add {admin}: the workflows write with its token",
    )


def _package(api: Api, owner: str, name: str) -> Any:
    """Return a package, None where there is none."""
    # The slashes of a nested package are part of its name.
    package = f"{owner}/packages/container/{quote(name, safe='')}"
    return api.find(f"/orgs/{package}") or api.find(f"/users/{package}")
