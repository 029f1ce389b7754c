"""The pinned actions and images of ``templates/actions/``, the one place that names them."""

import re
from collections.abc import Mapping
from typing import Final

from fleet.declaration.problems import Problems

ACTIONS: Final = "actions/action.yml"
IMAGES: Final = "actions/Dockerfile"
_USES = re.compile(r"\s*-?\s*uses:")
_ACTION = re.compile(
    r"\s*- uses: (?P<pin>[A-Za-z0-9-]+/(?P<name>[A-Za-z0-9._-]+)@[0-9a-f]{40}"
    r" # v[0-9]+\.[0-9]+\.[0-9]+)"
)
_FROM = re.compile(r"\s*FROM\b", re.IGNORECASE)
_IMAGE = re.compile(
    r"FROM (?P<pin>[a-z0-9.-]+(?::[0-9]+)?/[a-z0-9._/-]+:[A-Za-z0-9._-]+@sha256:[0-9a-f]{64})"
    r" AS (?P<name>\w+)"
)


_FORMS: Final = {
    ACTIONS: (_USES, _ACTION, "Write - uses: owner/name@<40 digits of the commit> # vX.Y.Z"),
    IMAGES: (_FROM, _IMAGE, "Write FROM host/name:tag@sha256:<64 hexadecimal digits> AS name"),
}


def pinned(templates: Mapping[str, str], place: str) -> dict[str, str]:
    """Return what the file at ``place`` lists: actions by their names, images by their stages.

    They are ``owner/name@commit # vX.Y.Z`` and ``host/name:tag@digest``.

    :raises DeclarationError: naming every line with another form. A tag can be moved to other code,
        a commit or a digest can't.
    """
    begin, form, remedy = _FORMS[place]
    found, problems = {}, Problems()
    for number, line in enumerate(templates[place].splitlines(), start=1):
        if match := form.fullmatch(line):
            found[match["name"]] = match["pin"]
        elif begin.match(line):
            problems.add(f"line {number}", f"{line.strip()!r} is not pinned", remedy)
    problems.raise_if_any(f"templates/{place}")
    return found
