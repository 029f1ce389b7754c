"""Which releases of its package, and which Pythons, an image follows by itself."""

import re
from dataclasses import dataclass

from fleet.declaration import validators
from fleet.declaration.config_reader import Pattern, Reader

RELEASES = "releases"
PYTHON_RELEASES = "python-releases"

_RETIRE = Pattern(
    "never|at end of life|[1-9][0-9]{0,3} days after end of life",
    "is not a known policy for Pythons at their end of life",
    "Write never, at end of life, or 90 days after end of life",
)


@dataclass(frozen=True, kw_only=True)
class Releases:
    """The releases that ``versions`` are kept to.

    They are the newest ``max_versions`` in all, among them the newest that each declared Python can
    have. Pre-releases count with ``include_prereleases`` alone, ``exclude_versions`` never.
    """

    max_versions: int
    exclude_versions: tuple[str, ...]
    include_prereleases: bool


@dataclass(frozen=True, kw_only=True)
class PythonReleases:
    """How ``pythons`` are kept to CPython's release cycle.

    A Python leaves ``retire_after`` days after its end of life, or never where that is ``None``.
    With ``add``, one that is newer than all declared comes in once it was released.
    """

    retire_after: int | None
    add: bool


def parse_releases(reader: Reader) -> Releases | None:
    """Return what the key ``releases`` declares; ``None`` where versions are kept by hand."""
    inner = _followed(reader, RELEASES)
    if inner is None:
        return None
    inner.only(("max-versions", "exclude-versions", "include-prereleases"))
    return Releases(
        max_versions=inner.whole("max-versions", 5),
        exclude_versions=inner.texts("exclude-versions", validators.version, ()),
        include_prereleases=inner.flag("include-prereleases", fallback=False),
    )


def parse_python_releases(reader: Reader) -> PythonReleases | None:
    """Return what ``python-releases`` declares; ``None`` where Pythons are kept by hand."""
    inner = _followed(reader, PYTHON_RELEASES)
    if inner is None:
        return None
    inner.only(("retire", "add"))
    return PythonReleases(
        retire_after=_days(inner.text("retire", _RETIRE, "never")),
        add=inner.flag("add", fallback=False),
    )


def _followed(reader: Reader, key: str) -> Reader | None:
    # The words of an image that follows nothing where fleet:defaults says otherwise.
    return None if reader.values.get(key, "by hand") == "by hand" else reader.inner(key)


def _days(policy: str) -> int | None:
    days = re.match("[0-9]+", policy)
    if days:
        return int(days[0])
    return 0 if policy == "at end of life" else None
