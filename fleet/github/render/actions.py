"""The pinned actions of ``templates/actions/action.yml``, the one place that names them."""

import re
from collections.abc import Mapping
from typing import Final

from fleet.declaration.problems import Problems
from fleet.templating import Verbatim

PLACE: Final = "actions/action.yml"
_USES = re.compile(r"\s*-?\s*uses:")
_PINNED = re.compile(
    r"\s*- uses: ([A-Za-z0-9-]+/([A-Za-z0-9._-]+)@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+)"
)


def pinned(templates: Mapping[str, str]) -> dict[str, Verbatim]:
    """Return ``owner/name@commit # vX.Y.Z`` by ``name`` of each action that is listed.

    :raises DeclarationError: naming every line with another form. A tag can be moved to other code,
        a commit can't.
    """
    found, problems = {}, Problems()
    for number, line in enumerate(templates[PLACE].splitlines(), start=1):
        match = _PINNED.fullmatch(line)
        if match:
            found[match[2]] = Verbatim(match[1])
        elif _USES.match(line):
            problems.add(
                f"line {number}",
                f"{line.strip()!r} is not pinned to a release",
                "Write - uses: owner/name@<40 digits of the commit> # vX.Y.Z",
            )
    problems.raise_if_any(f"templates/{PLACE}")
    return found
