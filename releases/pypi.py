"""What PyPI says of a distribution: its files, and which of its releases were yanked."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleet.http.blocking import Blocking
from fleet.lock import normalised
from releases.fetching import FetchError, fetched, fetched_json

INDEX = "https://pypi.org/simple"
_FILES = "application/vnd.pypi.simple.v1+json"
_LARGEST = 64 * 1024 * 1024  # the largest real answer seen is a tenth of this
_LARGEST_SDIST = 256 * 1024 * 1024


class PackageIndexError(Exception):
    """PyPI could not be asked, or its answer makes no sense."""


@dataclass(frozen=True, kw_only=True)
class File:
    """One file of a release, as the index lists it; ``sha256`` is ``sha256:`` and 64 hex digits.

    ``requires_python`` is a PEP 440 specifier, or empty.
    """

    name: str
    url: str
    sha256: str
    requires_python: str
    yanked: bool


def yanked(package: str, client: Blocking) -> tuple[str, ...]:
    """Return the versions of ``package`` of which every file was yanked (PEP 592), sorted.

    :raises PackageIndexError: when PyPI is down, or its answer malformed or huge.
    """
    try:
        url = f"https://pypi.org/pypi/{normalised(package)}/json"
        return yanked_in(fetched_json(url, client, largest=_LARGEST))
    except (FetchError, ValueError) as error:
        raise PackageIndexError(f"PyPI can't be asked about {package}: {error}") from None


def yanked_in(answer: Any) -> tuple[str, ...]:
    """Return the yanked versions in PyPI's JSON ``answer``.

    :raises ValueError: when it has no releases.
    """
    releases = answer.get("releases") if isinstance(answer, dict) else None
    if not isinstance(releases, dict) or not releases:
        raise ValueError("the answer names no releases")
    return tuple(
        sorted(
            version
            for version, files in releases.items()
            if files and all(isinstance(f, dict) and f.get("yanked") is True for f in files)
        )
    )


def files(distribution: str, client: Blocking) -> tuple[File, ...]:
    """Return all files of ``distribution``, of every release (PEP 691, the simple API as JSON).

    :raises PackageIndexError: when PyPI is down, or its answer malformed or huge.
    """
    try:
        url = f"{INDEX}/{normalised(distribution)}/"
        return files_in(fetched_json(url, client, largest=_LARGEST, accept=_FILES))
    except (FetchError, ValueError) as error:
        raise PackageIndexError(f"PyPI can't be asked about {distribution}: {error}") from None


def files_in(answer: Any) -> tuple[File, ...]:
    """Return the files in ``answer``; those without a SHA-256 no lock can name, and are left out.

    :raises ValueError: when it lists no files, or one is no file.
    """
    listed = answer.get("files") if isinstance(answer, dict) else None
    if not isinstance(listed, list) or not listed:
        raise ValueError("the answer lists no files")
    return tuple(_file(entry) for entry in listed if _digest(entry))


def content(file: File, client: Blocking) -> bytes:
    """Return the bytes of ``file``, which are those that its hash stands for.

    :raises PackageIndexError: when it can't be had, is huge, or is another file.
    """
    try:
        body = fetched(file.url, client, largest=_LARGEST_SDIST)
    except FetchError as error:
        raise PackageIndexError(str(error)) from None
    found = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if found != file.sha256:
        raise PackageIndexError(f"{file.name} is {found}, and the index says {file.sha256}")
    return body


def _digest(entry: Any) -> str:
    hashes = entry.get("hashes") if isinstance(entry, Mapping) else None
    found = hashes.get("sha256") if isinstance(hashes, Mapping) else None
    return f"sha256:{found}" if isinstance(found, str) else ""


def _file(entry: Mapping[str, Any]) -> File:
    name, url = entry.get("filename"), entry.get("url")
    if not isinstance(name, str) or not isinstance(url, str):
        raise ValueError("the answer lists a file without a name or an address")  # noqa: TRY004
    # PEP 592: anything but false is true, mostly the reason in words.
    yanked_for = entry.get("yanked", False)
    return File(
        name=name,
        url=url,
        sha256=_digest(entry),
        requires_python=str(entry.get("requires-python") or ""),
        yanked=yanked_for is not False,
    )
