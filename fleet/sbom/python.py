"""Python: the interpreter of the official images, and distributions by their core metadata."""

import re
from collections.abc import Iterable, Iterator, Mapping

from packaging.metadata import RawMetadata, parse_email
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from fleet.sbom.model import Package, PackageKind

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
# By the architecture of an image (Go's name): what `platform.machine()` says there.
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "arm": "armv7l", "386": "i686"}
_LONGEST = 255
_SUPPLIER = "Python Software Foundation"


def interpreter(version: str) -> Package | None:
    """Return CPython, as PYTHON_VERSION of an official image tells it; None for no version."""
    if _version(version) is None:
        return None
    return Package(
        kind=PackageKind.GENERIC, name="python", version=version.strip(), supplier=_SUPPLIER
    )


def marker_environment(version: str, architecture: str) -> dict[str, str]:
    """Return what markers are evaluated in: all names, so that nothing of this machine counts."""
    parsed = _version(version)
    short = f"{parsed.major}.{parsed.minor}" if parsed else "3"
    return {
        "implementation_name": "cpython",
        "implementation_version": version or short,
        "os_name": "posix",
        "platform_machine": _MACHINES.get(architecture, architecture),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": version or short,
        "python_version": short,
        "sys_platform": "linux",
        "extra": "",
    }


def read_metadata(metadata: bytes, environment: Mapping[str, str]) -> Package | None:
    """Return the distribution of a METADATA or PKG-INFO file.

    None where that is not one: packages bring broken ones along, for their own tests.
    """
    # Without the description: it is long, and nothing of it is needed.
    head = re.split(rb"\r?\n\r?\n", metadata.lstrip(), maxsplit=1)[0]
    raw, _ = parse_email(head)
    name, version = raw.get("name", "").strip(), raw.get("version", "").strip()
    if len(name) > _LONGEST or not _NAME.fullmatch(name) or _version(version) is None:
        return None
    return Package(
        kind=PackageKind.PYTHON,
        name=canonicalize_name(name),
        version=version,
        supplier=_supplier(raw),
        needs=tuple((each,) for each in _required(raw.get("requires_dist", []), environment)),
    )


def _supplier(raw: RawMetadata) -> str:
    """Return who makes it, as ``Name <address>``: maintainers come before authors."""
    for address, name in (
        (raw.get("maintainer_email"), raw.get("maintainer")),
        (raw.get("author_email"), raw.get("author")),
    ):
        if address and name and "<" not in address:
            return f"{name} <{address}>"
        if address or name:
            return address or name or ""
    return ""


def _required(lines: Iterable[str], environment: Mapping[str, str]) -> Iterator[str]:
    for line in lines:
        try:
            found = Requirement(line)
            holds = found.marker is None or found.marker.evaluate({**environment})
        except (ValueError, RecursionError):
            continue  # pip would not take it either
        if holds:
            yield canonicalize_name(found.name)


def _version(text: str) -> Version | None:
    try:
        return Version(text) if len(text) <= _LONGEST else None
    except ValueError:
        return None
