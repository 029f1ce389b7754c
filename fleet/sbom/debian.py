"""Debian packages: dpkg's record of what is installed (dpkg(1), "FILES"; deb-control(5))."""

import re
from collections.abc import Iterator

from fleet.sbom.model import Package, PackageKind, UnreadableImageError

# Debian policy 5.6.1 and 5.6.12; older packages have other letters in their names.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]{,254}")
_VERSION = re.compile(r"[A-Za-z0-9.+:~-]{1,255}")
# dpkg(1), "Package states": in any other one, files of the package are there.
_ABSENT = frozenset({"not-installed", "config-files"})
_RELATED = ("Pre-Depends", "Depends")


def read_status(record: bytes, place: str) -> Iterator[Package]:
    """Yield the packages in a record of dpkg's; what has no Status is installed (distroless).

    :raises UnreadableImageError: if a package has no proper name or version.
    """
    for text in re.split(r"\n[ \t]*\n", record.decode(errors="replace").replace("\r\n", "\n")):
        fields = _fields(text)
        if not fields or fields.get("Status", "installed").split()[-1] in _ABSENT:
            continue
        name, version = fields.get("Package", ""), fields.get("Version", "")
        if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
            raise UnreadableImageError(
                f"{place}: {name!r} in version {version!r} is not a package of dpkg's"
            )
        source, source_version = _source(fields.get("Source", ""))
        same = source in {"", name} and source_version in {"", version}
        yield Package(
            kind=PackageKind.DEBIAN,
            name=name,
            version=version,
            architecture=fields.get("Architecture", ""),
            source="" if same else source or name,
            source_version="" if same else source_version,
            supplier=fields.get("Maintainer", ""),
            needs=tuple(group for key in _RELATED for group in _groups(fields.get(key, ""))),
            provides=tuple(name for group in _groups(fields.get("Provides", "")) for name in group),
        )


def _fields(paragraph: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in paragraph.splitlines():
        if line[:1] in {" ", "\t"}:
            if name in {*_RELATED, "Provides"}:
                fields[name] += line
            continue
        name, _, value = line.partition(":")
        fields[name] = value.strip()
    return {key: value for key, value in fields.items() if key and value}


def _source(text: str) -> tuple[str, str]:
    """Return name and version of ``name [(version)]``: without one it is that of the package."""
    name, _, rest = text.partition(" ")
    version = rest.strip(" ()")
    return (
        (name, version if _VERSION.fullmatch(version) else "")
        if _NAME.fullmatch(name)
        else ("", "")
    )


def _groups(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the alternatives of each relation, such as ``a (>= 1) | b:any``."""
    for relation in text.split(","):
        names = (
            re.split(r"[\s(:\[<]", each.strip(), maxsplit=1)[0] for each in relation.split("|")
        )
        group = tuple(name for name in names if name)
        if group:
            yield group
