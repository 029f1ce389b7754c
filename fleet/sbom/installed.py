"""Packages of Debian and Alpine, by the records of what is installed.

dpkg(1), "FILES", and deb-control(5); apk-tools, "Apk spec", V2.
"""

import re
from collections.abc import Iterator
from email import message_from_string

from fleet.sbom.model import Package, PackageKind, UnreadableImageError

# Debian policy 5.6.1 and 5.6.12; older packages have other letters in their names.
_DEBIAN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]{,254}")
_DEBIAN_VERSION = re.compile(r"[A-Za-z0-9.+:~-]{1,255}")
_ALPINE_NAME = re.compile(r"[A-Za-z0-9._+-]{1,255}")
_ALPINE_VERSION = re.compile(r"[A-Za-z0-9._~+-]{1,255}")
# dpkg(1), "Package states": in any other one, files of the package are there.
_ABSENT = frozenset({"not-installed", "config-files"})


def read_dpkg(record: bytes, place: str) -> Iterator[Package]:
    """Yield the packages in a record of dpkg's; what has no Status is installed (distroless).

    :raises UnreadableImageError: if a package has no proper name or version.
    """
    for fields in _paragraphs(record, place):
        if fields.get("Status", "installed").split()[-1] in _ABSENT:
            continue
        name, version = fields.get("Package", ""), fields.get("Version", "")
        if not _DEBIAN_NAME.fullmatch(name) or not _DEBIAN_VERSION.fullmatch(version):
            raise UnreadableImageError(
                f"{place}: {name!r} in version {version!r} is not a package of dpkg's"
            )
        source, source_version = _source(fields.get("Source", ""))
        same = source in {"", name} and source_version in {"", version}
        needs = (*_groups(fields.get("Pre-Depends", "")), *_groups(fields.get("Depends", "")))
        yield Package(
            kind=PackageKind.DEBIAN,
            name=name,
            version=version,
            architecture=fields.get("Architecture", ""),
            source="" if same else source or name,
            source_version="" if same else source_version,
            supplier=fields.get("Maintainer", ""),
            needs=needs,
            provides=tuple(name for group in _groups(fields.get("Provides", "")) for name in group),
        )


def read_apk(database: bytes, place: str) -> Iterator[Package]:
    """Yield the packages in a database of apk's.

    :raises UnreadableImageError: if a package has no proper name or version.
    """
    for fields in _paragraphs(database, place):
        name, version = fields.get("P", ""), fields.get("V", "")
        if not _ALPINE_NAME.fullmatch(name) or not _ALPINE_VERSION.fullmatch(version):
            raise UnreadableImageError(
                f"{place}: {name!r} in version {version!r} is not a package of apk's"
            )
        origin = fields.get("o", "")
        yield Package(
            kind=PackageKind.ALPINE,
            name=name,
            version=version,
            architecture=fields.get("A", ""),
            source="" if origin == name else origin,
            supplier=fields.get("m", ""),
            needs=tuple((each,) for each in _names(fields.get("D", ""))),
            provides=tuple(_names(fields.get("p", ""))),
        )


def _paragraphs(record: bytes, place: str) -> Iterator[dict[str, str]]:
    """Yield the fields of each paragraph; of several of one name the first, none without a value.

    :raises UnreadableImageError: if something in a paragraph is not a field.
    """
    text = record.decode(errors="replace").replace("\r\n", "\n")
    for paragraph in filter(str.strip, re.split(r"\n[ \t]*\n", text)):
        message = message_from_string(paragraph.strip())
        if message.defects:
            raise UnreadableImageError(f"{place}: {paragraph[:80]!r} … has a line without a name")
        fields = ((name, value.strip()) for name, value in reversed(message.items()))
        yield {name: value for name, value in fields if value}


def _source(text: str) -> tuple[str, str]:
    """Return name and version of ``name [(version)]``: without one it is that of the package."""
    name, _, rest = text.partition(" ")
    version = rest.strip(" ()")
    if not _DEBIAN_NAME.fullmatch(name):
        return "", ""
    return name, version if _DEBIAN_VERSION.fullmatch(version) else ""


def _groups(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the alternatives of each relation, such as ``a (>= 1) | b:any``."""
    for relation in text.split(","):
        each = (re.split(r"[\s(:\[<]", one.strip(), maxsplit=1)[0] for one in relation.split("|"))
        if group := tuple(filter(None, each)):
            yield group


def _names(text: str) -> Iterator[str]:
    """Yield the names in a list such as ``so:libc.so.6 zlib>=1.2``, without conflicts (``!``)."""
    for each in text.split():
        name = re.split(r"[<>=~@]", each, maxsplit=1)[0]
        if name and not name.startswith("!"):
            yield name
