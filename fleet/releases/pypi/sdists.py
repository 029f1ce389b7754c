"""What a source distribution states: what builds it (PEP 518), and what it requires (PEP 643)."""

import gzip
import io
import tarfile
import tomllib
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import Final, cast

from packaging.metadata import Metadata, RawMetadata, parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, parse_sdist_filename
from packaging.version import Version

from fleet.http.document import parse_json
from fleet.http.errors import HttpError
from fleet.http.text import one_line

DEFAULT: Final = ("setuptools>=40.8.0", "wheel")
"""What PEP 518 and pip take where a source distribution does not say."""

ENDINGS: Final = (".tar.gz", ".zip")
"""How a source distribution's file ends (PEP 625, and what came before it)."""

_STATIC = Version("2.2")
"""From this version of PKG-INFO on, what is not named as Dynamic is the same in every wheel."""

_REPORTED = ("name", "version", "requires_python", "requires_dist", "provides_extra")
_RESOLVED = frozenset({"requires-dist", "requires-python", "provides-extra"})

_UNREADABLE = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError,
)  # fmt: skip
_LARGEST = 1024 * 1024
_LONGEST_REQUIREMENT = 2048
_LARGEST_WHOLE = 512 * 1024 * 1024  # bytes, held in memory


class SdistError(Exception):
    """A source distribution can't be read, or does not say what builds it in a way that counts."""


class LeftOpenError(SdistError):
    """A source distribution leaves to its build backend what it requires."""


def build_requires(name: str, body: bytes) -> tuple[str, ...]:
    """Return ``build-system.requires`` of the source distribution ``name`` with content ``body``.

    Nothing in it is run: what a backend would ask for beyond this (PEP 517,
    ``get_requires_for_build_wheel``) is not seen.

    :raises SdistError: naming it and what is wrong.
    """
    try:
        text = _member(name, body, "pyproject.toml") or b""
        system = tomllib.loads(text.decode()).get("build-system")
        if system is None:
            return DEFAULT
        requires = system.get("requires") if isinstance(system, dict) else None
        if not isinstance(requires, list) or not all(isinstance(one, str) for one in requires):
            what = "build-system.requires in its pyproject.toml is not a list of texts"
            raise SdistError(f"{name}: {what}")
        for one in requires:
            _check(one, "its pyproject.toml asks for")
    except (*_UNREADABLE, ValueError) as error:  # RecursionError is a RuntimeError
        raise SdistError(f"{name}: {error}") from None
    return tuple(requires)


def metadata(name: str, body: bytes) -> str:
    """Return the core metadata of the source distribution ``name``, as a wheel of it would have it.

    Nothing in it is run, so that only what its PKG-INFO declares to be the same in every wheel
    counts (PEP 643). It says less than the original: what a resolver goes by.

    :raises LeftOpenError: where that leaves open what is required, or nothing is stated.
    :raises SdistError: naming it and what is wrong.
    """
    try:
        raw, _ = parse_email(_member(name, body, "PKG-INFO") or b"")
        version = Version(raw.get("metadata_version", "0"))
    except (*_UNREADABLE, ValueError) as error:
        raise SdistError(f"{name}: {error}") from None
    left_open = {field.lower() for field in raw.get("dynamic", ())} & _RESOLVED
    if version < _STATIC or left_open:
        raise LeftOpenError(f"{name}: its requirements are only known to its build backend")
    return _text(name, raw, "its PKG-INFO")


def metadata_built(name: str, report: bytes) -> str:
    """Return what a resolver goes by of pip's ``report`` on the sdist ``name``.

    :raises SdistError: where it holds no core metadata, or that of another release.
    """
    try:
        (installed,) = parse_json(report, "the report")["install"]
        known = installed["metadata"]
        raw = cast("RawMetadata", {key: known[key] for key in _REPORTED if key in known})
        raw["metadata_version"] = "2.1"
        if not all(isinstance(raw.get(key, []), list) for key in _REPORTED[-2:]):
            raise TypeError("what it requires is not a list")  # noqa: TRY301
        Metadata.from_raw(raw)
    except (ExceptionGroup, HttpError, KeyError, RecursionError, TypeError, ValueError) as error:
        told = error.exceptions if isinstance(error, ExceptionGroup) else [error]
        why = one_line("; ".join(map(str, told)))
        raise SdistError(f"{name}: its build backend returned invalid metadata: {why}") from None
    return _text(name, raw, "its build backend")


def _text(name: str, raw: RawMetadata, source: str) -> str:
    """Return what a resolver goes by of ``raw``, which ``source`` gives for the file ``name``.

    :raises SdistError: where it is of another release, or requires what no index can have.
    """
    own, version = raw.get("name", ""), raw.get("version", "")
    requires = raw.get("requires_dist", ())
    try:
        if (canonicalize_name(own), Version(version)) != parse_sdist_filename(name):
            seen = one_line(f"{own} {version}")
            raise SdistError(f"{name}: {source} gives the metadata of {seen}")
        for one in requires:
            _check(one)
    except ValueError as error:
        raise SdistError(f"{name}: {source} gives {one_line(str(error))}") from None
    lines = [
        f"Metadata-Version: {raw.get('metadata_version', '')}",
        f"Name: {own}",
        f"Version: {version}",
        *(f"Requires-Python: {one}" for one in filter(None, [raw.get("requires_python")])),
        *(f"Requires-Dist: {one}" for one in requires),
        *(f"Provides-Extra: {one}" for one in raw.get("provides_extra", ())),
    ]
    return "".join(f"{' '.join(line.splitlines())}\n" for line in lines)


def _check(requirement: str, where: str = "") -> None:
    """Return if ``requirement`` is one that an index can meet, and of a bearable length.

    :raises ValueError: where it is not; ``where`` begins the text.
    """
    if len(requirement) > _LONGEST_REQUIREMENT:
        # Each parenthesis of a marker is a call in what reads it.
        long = f"a requirement longer than any that was seen: {requirement[:40]!r}…"
        raise ValueError(f"{where} {long}".strip())
    try:
        url = Requirement(requirement).url
    except (InvalidRequirement, RecursionError):
        raise ValueError(f"{where} {requirement!r}, which is not a requirement".strip()) from None
    if url:
        raise ValueError(f"{where} {requirement!r}: no index tells its hashes".strip())


def _member(name: str, body: bytes, wanted: str) -> bytes | None:
    """Return the file ``wanted`` right below the one folder of the archive ``name``."""
    if not name.endswith(".zip"):
        return _in_tar(body, wanted)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for member in archive.infolist():
            if _is_at_top(member.filename, wanted):
                _check_size(member.file_size, wanted)
                return archive.read(member)
    return None


def _in_tar(body: bytes, wanted: str) -> bytes | None:
    # Unpacked first, so that no size that a header states is ever read beyond this.
    plain = io.BytesIO()
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
        while part := packed.read(_LARGEST):
            plain.write(part)
            if plain.tell() > _LARGEST_WHOLE:
                most = f"{_LARGEST_WHOLE:,}, the most that is read"
                raise ValueError(f"its {len(body):,} bytes unpack to more than {most}")
    plain.seek(0)
    with tarfile.open(fileobj=plain, mode="r:") as archive:
        for member in archive:
            if _is_at_top(member.name, wanted) and member.isreg():
                _check_size(member.size, wanted)
                found = archive.extractfile(member)
                return found.read() if found else None
    return None


def _is_at_top(path: str, wanted: str) -> bool:
    """Tell whether ``path`` is the file ``wanted`` right below the one folder of an sdist."""
    parts = PurePosixPath(path).parts
    return len(parts) == 2 and parts[1] == wanted  # noqa: PLR2004 - folder and file


def _check_size(size: int, name: str) -> None:
    if size > _LARGEST:
        raise ValueError(f"its {name} is larger than any that was seen")
