"""What the package index says of a distribution: its files, and when each was uploaded."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urldefrag, urljoin

from fleet.console import TroubleError
from fleet.declaration.distributions import normalised
from fleet.declaration.model import PYPI
from fleet.http.blocking import Blocking
from fleet.http.errors import HttpError
from fleet.lock.serialization import has_form
from fleet.releases.pypi.fetch import fetched, fetched_json

_FILES = "application/vnd.pypi.simple.v1+json"
_LARGEST = 64 * 1024 * 1024  # the largest real answer seen is a tenth of this
_LARGEST_SDIST = 256 * 1024 * 1024


class PackageIndexError(TroubleError):
    """The package index could not be asked, or its answer makes no sense."""


@dataclass(frozen=True, kw_only=True)
class File:
    """One file of a release, as the index lists it; ``sha256`` is ``sha256:`` and 64 hex digits.

    ``requires_python`` is a PEP 440 specifier, or empty; ``uploaded`` is ``None`` where the index
    does not say (PEP 700).
    """

    name: str
    url: str
    sha256: str
    requires_python: str
    yanked: bool
    uploaded: datetime | None

    @property
    def address(self) -> str:
        """The address as a lock and a builder have it, with the hash behind it."""
        return f"{self.url}#{self.sha256.replace(':', '=')}"


def files(distribution: str, client: Blocking, *, index: str = PYPI) -> tuple[File, ...]:
    """Return all files of ``distribution``, of every release (PEP 691, the simple API as JSON).

    :raises PackageIndexError: when ``index`` is down, or its answer malformed or huge.
    """
    url = f"{index.rstrip('/')}/{normalised(distribution)}/"
    try:
        return files_in(fetched_json(url, client, largest=_LARGEST, accept=_FILES), url)
    except (HttpError, ValueError) as error:
        raise PackageIndexError(f"{index} can't be asked about {distribution}: {error}") from None


def files_in(answer: Any, url: str = "") -> tuple[File, ...]:
    """Return the files in ``answer`` of ``url`` that have a name, an address and a SHA-256.

    :raises ValueError: when it lists no files.
    """
    listed = answer.get("files") if isinstance(answer, dict) else None
    if not isinstance(listed, list) or not listed:
        raise ValueError("the answer lists no files")
    return tuple(file for entry in listed if (file := _file(entry, url)))


def content(file: File, client: Blocking) -> bytes:
    """Return the bytes of ``file``, which are those that its hash stands for.

    :raises PackageIndexError: when it can't be had, is huge, or is another file.
    """
    try:
        body = fetched(file.url, client, largest=_LARGEST_SDIST)
    except HttpError as error:
        raise PackageIndexError(str(error)) from None
    found = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if found != file.sha256:
        raise PackageIndexError(f"{file.name} is {found}, and the index says {file.sha256}")
    return body


def _file(entry: Any, base: str) -> File | None:
    if not isinstance(entry, Mapping):
        return None
    name, url, hashes = (entry.get(key) for key in ("filename", "url", "hashes"))
    digest = hashes.get("sha256") if isinstance(hashes, Mapping) else None
    if not all(isinstance(text, str) for text in (name, url, digest)):
        return None
    # PEP 691 allows addresses that are relative to that of the answer. Some indexes say the
    # hash behind them as well, as the simple API in HTML does.
    address = urldefrag(urljoin(base, str(url))).url
    # An index on this machine alone may do without TLS, and no other may send anybody there.
    safe = address.startswith("https://") or base.startswith("http://")
    if not safe or not has_form(f"{address}#sha256={digest}", "file"):
        return None
    return File(
        name=str(name),
        url=address,
        sha256=f"sha256:{digest}",
        requires_python=str(entry.get("requires-python") or ""),
        # PEP 691: true, or the reason in words. pip takes an empty one for none.
        yanked=bool(entry.get("yanked")),
        uploaded=_time(entry.get("upload-time")),
    )


def _time(text: Any) -> datetime | None:
    """Return the time in ``text``; PEP 700 has it in UTC."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return None
