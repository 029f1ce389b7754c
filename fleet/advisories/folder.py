"""A mirror of OSV's files in a folder: by ecosystem ``all.zip`` as osv.dev has it, or unpacked.

``PyPI/all.zip`` or ``PyPI/GHSA-….json``; for Debian and Alpine the folder of the release
(``Debian:13``) or that of all releases (``Debian``). Versions are compared here.
"""

import lzma
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from fleet.advisories.osv import Record, record
from fleet.advisories.package import AdvisoryError, Package
from fleet.http.document import parse_json
from fleet.http.errors import HttpError

_LARGEST: Final = 32 * 1024 * 1024
_NAME: Final = re.compile(rb'"name"\s*:\s*"((?:[^"\\]|\\.)*)"')


class OsvFolder:
    """The mirror at ``path``; only records that name a package that is asked for are parsed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, packages: Iterable[Package]) -> Mapping[Package, list[Record]]:
        """Return the records that affect each of ``packages``.

        :raises AdvisoryError: when the mirror lacks an ecosystem, or a file of it can't be read.
        """
        found: dict[Package, list[Record]] = {each: [] for each in packages}
        ecosystems: dict[str, list[Package]] = {}
        for each in found:
            ecosystems.setdefault(each.ecosystem, []).append(each)
        for ecosystem, wanted in sorted(ecosystems.items()):
            by_name: dict[str, list[Package]] = {}
            for each in wanted:
                by_name.setdefault(each.name, []).append(each)
            for text, place in self._files(ecosystem):
                names = _named(text, by_name)
                if not names:
                    continue
                one = self._record(text, place)
                for each in (package for name in names for package in by_name[name]):
                    if not one.withdrawn and one.affects(each):
                        found[each].append(one)
        return found

    def _record(self, text: bytes, place: str) -> Record:
        try:
            return record(parse_json(text, place), place)
        except HttpError as error:
            raise AdvisoryError(f"{error}\nMirror the file again") from None

    def _files(self, ecosystem: str) -> Iterator[tuple[bytes, str]]:
        """Yield the content and the name of each record's file."""
        folders = [self._path / name for name in (ecosystem, ecosystem.partition(":")[0])]
        folder = next((each for each in folders if each.is_dir()), None)
        if folder is None:
            raise AdvisoryError(
                f"{self._path}: no advisories of {ecosystem} are there.\nMirror the folder of that "
                "name from osv.dev's bucket, osv-vulnerabilities, or its all.zip"
            )
        archive = folder / "all.zip"
        count = 0
        for text, place in _zipped(archive) if archive.exists() else _plain(folder):
            count += 1
            yield text, place
        if not count:
            raise AdvisoryError(f"{folder}: holds no records: expected all.zip or files *.json")


def _zipped(archive: Path) -> Iterator[tuple[bytes, str]]:
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                if member.filename.endswith(".json"):
                    place = f"{archive}: {member.filename[:200]!r}"
                    _check_size(member.file_size, place)
                    yield opened.read(member), place
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError,
            NotImplementedError, RuntimeError) as error:  # fmt: skip
        raise AdvisoryError(f"{archive} can't be read: {error}.\nMirror it again") from None


def _plain(folder: Path) -> Iterator[tuple[bytes, str]]:
    try:
        for path in sorted(folder.glob("*.json")):
            _check_size(path.stat().st_size, str(path))
            yield path.read_bytes(), str(path)
    except OSError as error:
        raise AdvisoryError(f"{folder} can't be read: {error}") from None


def _check_size(size: int, place: str) -> None:
    if size > _LARGEST:
        raise AdvisoryError(f"{place} has {size} bytes, more than any record")


def _named(text: bytes, wanted: Mapping[str, object]) -> list[str]:
    """Return the names in ``wanted`` that a record may be about: all where a name is escaped."""
    names = set(_NAME.findall(text))
    if any(b"\\" in name for name in names):
        return list(wanted)
    shown = {name.decode(errors="replace") for name in names}
    # PyPI's are compared as they are normalised (PEP 503).
    shown |= {re.sub(r"[-_.]+", "-", name).lower() for name in shown}
    return [name for name in wanted if name in shown]
