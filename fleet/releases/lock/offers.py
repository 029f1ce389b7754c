"""Releases without a wheel, offered to the resolver by what their source distributions require."""

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fleet.declaration.distributions import normalised
from fleet.declaration.versions import newest_first
from fleet.releases.pypi.index import Release
from fleet.releases.pypi.pypi import File
from fleet.releases.pypi.sdists import ENDINGS, SdistError
from fleet.releases.pypi.wheels import has_any_wheel

Metadata = Callable[[File, str], str | SdistError]
"""Returns the core metadata of a source distribution on a Python, or why it can't be had."""

_NEWEST = 3
"""Releases that are looked at beside those that are asked for.

Each is a download, and for many a build. The second and third are there for what does not fit
beside the newest; an older one is taken where something names it.
"""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """The release ``version`` of ``name``, its core ``metadata``, and its files' ``hashes``."""

    name: str
    version: str
    metadata: str
    hashes: tuple[str, ...]

    def write_to(self, folder: Path) -> None:
        """Write a wheel that holds the metadata and nothing else, for a resolver to read."""
        stem = f"{self.name.replace('-', '_')}-{self.version}"
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            archive.writestr(f"{stem}.dist-info/METADATA", self.metadata)
            tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            archive.writestr(f"{stem}.dist-info/WHEEL", tag)
            archive.writestr(f"{stem}.dist-info/RECORD", "")
        (folder / f"{stem}-py3-none-any.whl").write_bytes(body.getvalue())


def offers_of(
    names: Iterable[str],
    asked: Mapping[str, set[str]],
    python: str,
    releases: Callable[[str], Mapping[str, Release]],
    metadata: Metadata,
) -> tuple[list[Offer], dict[str, str]]:
    """Return the releases of ``names`` that have no wheel on ``python``, with what they require.

    They are those ``asked`` for, and the newest. Of one whose metadata can't be had, the second
    value has the reason, by ``name==version``.
    """
    found: list[Offer] = []
    refused: dict[str, str] = {}
    for name in sorted(set(map(normalised, names))):
        listed = releases(name)
        fitting = [v for v, r in listed.items() if not r.yanked and r.allows(python)]
        wanted = [version for version in sorted(asked.get(name, ())) if version in listed]
        for version in dict.fromkeys((*wanted, *newest_first(fitting)[:_NEWEST])):
            files = listed[version].files
            sdist = next((f for f in files if f.name.endswith(ENDINGS)), None)
            if sdist is None or has_any_wheel(files, python):
                continue
            text = metadata(sdist, python)
            if isinstance(text, SdistError):
                refused[f"{name}=={version}"] = str(text)
            else:
                hashes = tuple(sorted(file.sha256 for file in files))
                found.append(Offer(name=name, version=version, metadata=text, hashes=hashes))
    return found, refused
