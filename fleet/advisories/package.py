"""What advisories are asked about: packages by OSV's names of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from fleet.console import TroubleError
from fleet.http.text import one_line
from fleet.lock.model import bare
from fleet.lock.serialization import has_form
from fleet.sbom.model import Contents, PackageKind, System


class AdvisoryError(TroubleError):
    """A source of advisories can't be asked, or what it says can't be read: nothing is known."""


@dataclass(frozen=True, kw_only=True, order=True)
class Package:
    """A version of a package: for Debian and Alpine, of what the package was built from.

    ``ecosystem`` is OSV's name with the release, such as ``PyPI``, ``Debian:13``, ``Alpine:v3.22``.
    """

    ecosystem: str
    name: str
    version: str

    @property
    def family(self) -> str:
        """The ecosystem without its release."""
        return self.ecosystem.partition(":")[0]

    def __str__(self) -> str:
        """Return it as the lock names it: ``Debian:13 openssl==3.5.4-1``."""
        return f"{self.ecosystem} {self.name}=={self.version}"


def distribution(name: str, version: str) -> Package:
    """Return a distribution of PyPI."""
    return Package(ecosystem="PyPI", name=canonicalize_name(name), version=version)


def pinned(pins: Iterable[str]) -> set[Package]:
    """Return the distributions of pins, ``name==version[ ; marker]``."""
    split = (bare(pin).partition("==") for pin in pins)
    return {distribution(name, version) for name, _, version in split}


def installed(contents: Contents, place: str) -> set[Package]:
    """Return what a base consists of; the interpreter is in no ecosystem of OSV's.

    :raises AdvisoryError: if its system is not one that advisories are known of.
    """
    found = set(_installed(contents, place))
    for each in found:
        if not has_form(str(each), "package"):
            raise AdvisoryError(f"{place}: {one_line(str(each))!r} is not a package")
    return found


def _installed(contents: Contents, place: str) -> Iterator[Package]:
    for each in contents.packages:
        if each.kind == PackageKind.PYTHON:
            yield distribution(each.name, each.version)
        elif each.kind in {PackageKind.DEBIAN, PackageKind.ALPINE}:
            yield Package(
                ecosystem=_ecosystem(contents.system, place),
                name=each.source or each.name,
                version=each.source_version or each.version,
            )


def _ecosystem(system: System, place: str) -> str:
    parts = system.version.split(".")
    if system.name == "debian" and parts[0].isdigit():
        return f"Debian:{parts[0]}"
    if system.name == "alpine" and len(parts) > 1:
        return f"Alpine:v{parts[0]}.{parts[1]}"
    seen = f"{system.name} {system.version}".strip() or "no known system"
    raise AdvisoryError(
        f"{place} is of {seen}, and advisories are asked for of Debian and Alpine, each in a "
        "release.\nTake fleet:advisories out, or build on another base"
    )
