"""The pinned images of ``templates/actions/Dockerfile``, the one place that names them."""

import re
from collections.abc import Mapping
from typing import Final

from fleet.declaration.problems import Problems

PLACE: Final = "actions/Dockerfile"
_FROM = re.compile(r"\s*FROM\b", re.IGNORECASE)
_PINNED = re.compile(
    r"FROM ([a-z0-9.-]+/[a-z0-9._/-]+:[A-Za-z0-9._-]+@sha256:[0-9a-f]{64}) AS (\w+)"
)


def pinned_images(templates: Mapping[str, str]) -> dict[str, str]:
    """Return ``host/name:tag@digest`` of each image that is listed, by the name of its stage.

    :raises DeclarationError: naming every line with another form. A tag can be moved to another
        image, a digest can't.
    """
    found, problems = {}, Problems()
    for number, line in enumerate(templates[PLACE].splitlines(), start=1):
        match = _PINNED.fullmatch(line)
        if match:
            found[match[2]] = match[1]
        elif _FROM.match(line):
            problems.add(
                f"line {number}",
                f"{line.strip()!r} is not pinned to a digest",
                "Write FROM host/name:tag@sha256:<64 hexadecimal digits> AS name",
            )
    problems.raise_if_any(f"templates/{PLACE}")
    return found
