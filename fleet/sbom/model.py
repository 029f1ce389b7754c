"""The packages of an image, as data."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.registry.errors import RegistryError


class UnreadableImageError(RegistryError):
    """An image holds something that no bill of materials can be made from."""


class PackageKind:
    """The system that a package belongs to, as the type of its package URL."""

    DEBIAN = "deb"
    ALPINE = "apk"
    PYTHON = "pypi"
    GENERIC = "generic"


@dataclass(frozen=True, kw_only=True)
class Package:
    """One installed package.

    ``architecture`` is the packager's own name of it, ``source`` what it was built from where that
    has another name or version. ``supplier`` is ``Name <address>``. Of each group in ``needs``, one
    name is to be there; a package has its own name and those that it ``provides``.
    """

    kind: str
    name: str
    version: str
    architecture: str = ""
    source: str = ""
    source_version: str = ""
    supplier: str = ""
    needs: tuple[tuple[str, ...], ...] = ()
    provides: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The key that no other package of an image has."""
        return (self.kind, self.name, self.version, self.architecture)


@dataclass(frozen=True, kw_only=True)
class System:
    """The operating system of an image, by the ID and VERSION_ID of its os-release file."""

    name: str = ""
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """All that is known of one platform's image; packages are sorted, each is there once.

    ``digest`` is that of its manifest. ``created`` is the time in its configuration (RFC 3339),
    ``labels`` are those of its configuration.
    """

    digest: str
    platform: str
    created: str
    labels: Mapping[str, str]
    system: System
    packages: tuple[Package, ...]


def dependencies_of(packages: tuple[Package, ...]) -> dict[Package, tuple[Package, ...]]:
    """Return which of ``packages`` each of them depends on.

    Of alternatives the first counts that is there. A package of the wanted name comes before one
    that only provides it.
    """
    named: dict[tuple[str, str], list[Package]] = {}
    provided: dict[tuple[str, str], list[Package]] = {}
    for package in packages:
        named.setdefault((package.kind, package.name), []).append(package)
        for name in package.provides:
            provided.setdefault((package.kind, name), []).append(package)

    def found(kind: str, names: tuple[str, ...]) -> list[Package]:
        there = (named.get((kind, name)) or provided.get((kind, name)) for name in names)
        return next((each for each in there if each), [])

    return {
        package: tuple(
            other
            for other in dict.fromkeys(
                each for names in package.needs for each in found(package.kind, names)
            )
            if other != package
        )
        for package in packages
    }
