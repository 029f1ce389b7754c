"""An entry of the matrix: one image on one Python, base and version, one version tag."""

from dataclasses import dataclass

from fleet.declaration import tags
from fleet.declaration.model import Image
from fleet.declaration.tags import Tag

PinKey = tuple[str, str, str]
"""Image, Python and version: what a set of pinned distributions was resolved for."""


@dataclass(frozen=True, kw_only=True)
class MatrixEntry:
    """The coordinates of one version tag."""

    image: Image
    python: str
    base: str
    version: str

    @property
    def tag(self) -> Tag:
        """The version tag: ``py3.12-slim-0.34.0``."""
        return tags.tag(self.python, self.base, self.version)

    @property
    def base_key(self) -> str:
        """The key of the base image in the lock: ``3.12-slim``."""
        return f"{self.python}-{self.base}"

    @property
    def builder_key(self) -> str:
        """The key in the lock of the image that compiles: ``3.12``, or ``3.12-alpine``."""
        return f"{self.python}-alpine" if self.base == "alpine" else self.python

    @property
    def pin_key(self) -> PinKey:
        """The key of the distributions in the lock; bases share them."""
        return (self.image.name, self.python, self.version)

    @property
    def description(self) -> str:
        """The image's own description by the contract, without the platform."""
        variant = self.python if self.base == "full" else self.base_key
        return f"python:{variant} {self.image.package}:{self.version}"


def matrix_entries(image: Image) -> list[MatrixEntry]:
    """Return the matrix of ``image`` in declared order, without what it excludes."""
    return [
        MatrixEntry(image=image, python=python, base=base, version=version)
        for python in image.pythons
        for base in image.bases
        for version in versions_of(image, python, base)
    ]


def versions_of(image: Image, python: str, base: str) -> list[str]:
    """Return the versions of ``image`` that there are on ``python`` and ``base``."""
    return [v for v in image.versions if not any(e.covers(python, base, v) for e in image.exclude)]
