"""The declaration: what a stack's configuration says, as data.

The shapes are here; :mod:`fleet.parse` makes them from configuration and finds every problem.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NewType

from fleet.names import PointerKind

StalePolicy = NewType("StalePolicy", str)
"""``remove``, ``keep`` or ``remove after N days``, checked by :mod:`fleet.parse`."""

STALE_DEFAULTS: Final[Mapping[PointerKind, StalePolicy]] = {
    "LATEST": StalePolicy("remove"),
    "X.Y": StalePolicy("keep"),
    "X": StalePolicy("keep"),
}
"""What becomes of a stale pointer where an image does not say, and the kinds made by default."""

OnConflict = Literal["take-over", "refuse"]


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image of the fleet: a repository, and the matrix of tags in it.

    ``package`` names the tags by its ``versions``; ``requires`` come along at the newest release
    that the lock found for each Python. ``pure`` says that all of them are pure Python: then they
    are installed once for all platforms of a builder, without emulation. ``pointers`` maps each
    declared kind to what happens to a live pointer of that kind which nothing declares any more.
    """

    name: str
    title: str
    maintainer: str
    source: str
    licenses: str
    package: str
    extras: tuple[str, ...]
    requires: tuple[str, ...]
    pure: bool
    pythons: tuple[str, ...]
    versions: tuple[str, ...]
    bases: tuple[str, ...]
    platforms: tuple[str, ...]
    pointers: Mapping[PointerKind, StalePolicy]

    @property
    def requirement(self) -> str:
        """The package with its extras, as pip spells it: ``uvicorn[standard]``."""
        return f"{self.package}[{','.join(self.extras)}]" if self.extras else self.package


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A whole stack: where the images go, who builds them, and which they are.

    ``registry`` is ``host[:port]/namespace``; ``builders`` maps a platform to the name of a buildx
    builder. ``max_removals`` is the share (0 to 1) of a repository's live pointers above which a
    removal stops and asks. What is superseded is kept for ``retention_days`` before a sweep.
    """

    registry: str
    builders: Mapping[str, str]
    images: tuple[Image, ...]
    protected: bool
    version_conflict: OnConflict
    pointer_conflict: OnConflict
    max_removals: float
    retention_days: int

    @property
    def host(self) -> str:
        """The registry's host and port."""
        return self.registry.partition("/")[0]
