"""What a verification checks the containers of a build against, as JSON."""

import json
from collections.abc import Iterable, Mapping

from fleet.declaration.matrix import MatrixEntry
from fleet.declaration.model import EVERYWHERE, Declaration
from fleet.lock.model import pinned_versions
from fleet.plan.installed import Contents


def expectation(
    entry: MatrixEntry,
    found: Mapping[str, Contents],
    own: Iterable[str],
    declaration: Declaration,
    native: str,
) -> str:
    """Return the JSON for the platforms ``own`` of ``entry``; see ``assets/shared/verify``.

    ``found`` is what each platform of the tag holds, ``native`` the platform of this machine.
    """
    platforms = tuple(own)
    held = {p: pinned_versions(found[p].everything) for p in platforms}
    first = held[platforms[0]]
    common = {
        name: version
        for name, version in first.items()
        if all(other.get(name) == version for other in held.values())
    }

    def apart(platform: str) -> dict[str, object]:
        packages = {name: v for name, v in held[platform].items() if name not in common}
        absent = list(entry.image.lacking(platform, entry.base))
        values = {"packages": packages, "absent": absent}
        return {key: value for key, value in values.items() if value}

    value = {
        "python": entry.python,
        # All builders of a tag are told the same: one of them has it.
        "whole": list(whole(entry, declaration, native)),
        "packages": common,
        "platforms": {platform: apart(platform) for platform in platforms},
    }
    return json.dumps(value, sort_keys=True)


def whole(entry: MatrixEntry, declaration: Declaration, native: str) -> tuple[str, ...]:
    """Return the platforms on which all of ``entry`` is checked, in its order.

    They are those that are declared; else this machine's own, where it builds for itself (its
    registry is on it as well), and everywhere else the first, so that no two machines differ.
    """
    platforms = entry.image.platforms
    if declaration.whole_check == EVERYWHERE:
        return platforms
    if declaration.whole_check in platforms:
        return (declaration.whole_check,)
    return (native,) if declaration.is_local and native in platforms else platforms[:1]
