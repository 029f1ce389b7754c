"""Alpine packages: apk's database of what is installed (apk-tools, "Apk spec", V2)."""

import re
from collections.abc import Iterator

from fleet.sbom.model import Package, PackageKind, UnreadableImageError

_NAME = re.compile(r"[A-Za-z0-9._+-]{1,255}")
_VERSION = re.compile(r"[A-Za-z0-9._~+-]{1,255}")
_FIELDS = frozenset("PVAomDp")


def read_installed(database: bytes, place: str) -> Iterator[Package]:
    """Yield the packages in a database of apk's.

    :raises UnreadableImageError: if a package has no proper name or version.
    """
    for text in re.split(r"\n[ \t]*\n", database.decode(errors="replace")):
        # The lines of files follow those of the package: the first of each name counts.
        lines = (line.partition(":") for line in reversed(text.splitlines()))
        fields = {name: value.strip() for name, _, value in lines if name in _FIELDS}
        if not text.strip():
            continue
        name, version = fields.get("P", ""), fields.get("V", "")
        if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
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


def _names(text: str) -> Iterator[str]:
    """Yield the names in a list such as ``so:libc.so.6 zlib>=1.2``, without conflicts (``!``)."""
    for each in text.split():
        name = re.split(r"[<>=~@]", each, maxsplit=1)[0]
        if name and not name.startswith("!"):
            yield name
