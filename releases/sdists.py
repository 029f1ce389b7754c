"""What builds a source distribution: the requirements that its pyproject.toml names (PEP 518)."""

import gzip
import io
import tarfile
import tomllib
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO, Any, Final, cast

from packaging.requirements import InvalidRequirement, Requirement

DEFAULT: Final = ("setuptools>=40.8.0", "wheel")
"""What PEP 518 and pip take where a source distribution does not say."""

ENDINGS: Final = (".tar.gz", ".zip")
"""How a source distribution's file ends (PEP 625, and what came before it)."""

_UNREADABLE = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError,
)  # fmt: skip
_LARGEST = 1024 * 1024
_LARGEST_WHOLE = 2 * 1024 * 1024 * 1024


class SdistError(Exception):
    """A source distribution can't be read, or does not say what builds it in a way that counts."""


def build_requires(name: str, body: bytes) -> tuple[str, ...]:
    """Return ``build-system.requires`` of the source distribution ``name`` with content ``body``.

    Nothing in it is run: what a backend would ask for beyond this (PEP 517,
    ``get_requires_for_build_wheel``) is not seen.

    :raises SdistError: naming it and what is wrong.
    """
    try:
        text = _in_zip(body) if name.endswith(".zip") else _in_tar(body)
        return DEFAULT if text is None else requires_in(tomllib.loads(text.decode()))
    except (*_UNREADABLE, ValueError) as error:
        raise SdistError(f"{name}: {error}") from None


def requires_in(project: dict[str, Any]) -> tuple[str, ...]:
    """Return what the parsed pyproject.toml ``project`` names for building.

    :raises ValueError: when it is no list of requirements, or one names an address.
    """
    system = project.get("build-system")
    if system is None:
        return DEFAULT
    requires = system.get("requires") if isinstance(system, dict) else None
    if not isinstance(requires, list) or not all(isinstance(one, str) for one in requires):
        raise ValueError("build-system.requires in its pyproject.toml is no list of texts")
    for one in requires:
        _check(one)
    return tuple(requires)


def _check(requirement: str) -> None:
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:
        raise ValueError(f"its pyproject.toml asks for {requirement!r}") from None
    if parsed.url:
        raise ValueError(f"its pyproject.toml asks for {requirement!r}: no index tells its hashes")


class _Bounded:
    """A file that gives no more at once than the largest member that is read, and no end of it.

    A header of a member (pax, GNU's long names) has a size of its own, and tarfile reads it whole.
    """

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        if size > _LARGEST + tarfile.BLOCKSIZE:
            raise ValueError("a header in it is larger than any that was seen")
        return self._file.read(size)

    def seek(self, position: int) -> int:
        if position > _LARGEST_WHOLE:
            raise ValueError("it unpacks to more than is read of any")
        return self._file.seek(position)


def _in_tar(body: bytes) -> bytes | None:
    whole = 0
    # Read as if it were a file, so that each header is read at once: its size shows before it does.
    plain = cast("IO[bytes]", _Bounded(gzip.GzipFile(fileobj=io.BytesIO(body))))
    with tarfile.open(fileobj=plain, mode="r:") as archive:
        for member in archive:
            whole += member.size
            if whole > _LARGEST_WHOLE:
                raise ValueError("it unpacks to more than is read of any")
            if _is_project(member.name) and member.isreg():
                _check_size(member.size)
                found = archive.extractfile(member)
                return found.read() if found else None
    return None


def _in_zip(body: bytes) -> bytes | None:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for member in archive.infolist():
            if _is_project(member.filename):
                _check_size(member.file_size)
                return archive.read(member)
    return None


def _is_project(path: str) -> bool:
    """Tell whether ``path`` is the pyproject.toml right below the one folder of an sdist."""
    parts = PurePosixPath(path).parts
    return len(parts) == 2 and parts[1] == "pyproject.toml"  # noqa: PLR2004 - folder and file


def _check_size(size: int) -> None:
    if size > _LARGEST:
        raise ValueError("its pyproject.toml is larger than any that was seen")
