"""Which releases of its package, and which Pythons, an image follows by itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fleet.declaration.schema import fields

BY_HAND: Final = "by hand"
"""What an image that follows nothing says where ``fleet:defaults`` says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Releases:
    """The releases that ``versions`` are kept to.

    They are the newest ``max_versions`` in all, among them the newest that each declared Python can
    have. Pre-releases count with ``include_prereleases`` alone, ``exclude_versions`` never.
    """

    max_versions: int = 5
    exclude_versions: tuple[str, ...] = ()
    include_prereleases: bool = False


@dataclass(frozen=True, kw_only=True)
class PythonReleases:
    """The policy by which ``pythons`` are kept to CPython's release cycle.

    A Python leaves ``retire_after`` days after its end of life, or never where that is ``None``.
    With ``add``, one that is newer than all declared comes in once it was released.
    """

    retire_after: int | None
    add: bool = False


def parse_releases(declared: Mapping[str, Any] | str) -> Releases | None:
    """Return what the key ``releases`` declares; ``None`` where versions are kept by hand."""
    return None if isinstance(declared, str) else Releases(**fields(declared))


def parse_python_releases(declared: Mapping[str, Any] | str) -> PythonReleases | None:
    """Return what ``python-releases`` declares; ``None`` where Pythons are kept by hand."""
    if isinstance(declared, str):
        return None
    policy = declared.get("retire", "never")
    days = re.match("[0-9]+", policy)
    retire = int(days[0]) if days else 0 if policy == "at end of life" else None
    return PythonReleases(retire_after=retire, add=declared.get("add", False))
