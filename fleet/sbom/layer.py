"""One layer of an image: what it adds and hides, read as a stream and within limits.

Layers are tar archives as the OCI image specification describes them ("Image Layer Filesystem
Changeset"). Nothing is unpacked to a disk, and only the few files that name packages are kept.
"""

import gzip
import io
import re
import sys
import tarfile
import zlib
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import BinaryIO

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from fleet.sbom.model import UnreadableImageError

WANTED = re.compile(
    r"(?:.*/)?(?:dpkg/status|dpkg/status\.d/[^/]+|apk/db/installed"
    r"|(?:etc|usr/lib)/os-release"
    r"|[^/]+\.dist-info/METADATA|[^/]+\.egg-info/PKG-INFO|[^/]+\.egg-info)"
)
"""The paths of files that name packages or the system."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_DAMAGED = (
    tarfile.TarError,
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    zstd.ZstdError,
    RecursionError,
)
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
# Other names that begin so are notes of aufs (OCI image specification, "Whiteouts").
_NOTES = ".wh..wh."
_BLOCK = 512
_PIECE = 64 * 1024
# What Go's archive/tar takes of a header's own extension, too.
_LARGEST_READ = 1024 * 1024
LONGEST_PATH = 4096
"""As many as Linux takes (PATH_MAX, path_resolution(7)), in a link's target as well."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of one layer: bytes as sent and unpacked, entries, and bytes that are kept."""

    packed: int = 4 * 1024**3
    unpacked: int = 16 * 1024**3
    entries: int = 1_000_000
    file: int = 32 * 1024**2
    kept: int = 128 * 1024**2


@dataclass(frozen=True, kw_only=True)
class LayerFacts:
    """The files that a layer adds, and the lower ones that it hides; paths have no leading slash.

    ``files`` and ``hard_links`` are those that are wanted, ``others`` all else but folders and
    links. ``hidden`` is gone from lower layers, and of ``opaque`` folders nothing of them is left.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    hard_links: dict[str, str] = field(default_factory=dict)
    symbolic_links: dict[str, str] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    opaque: set[str] = field(default_factory=set)

    @property
    def covering(self) -> set[str]:
        """The paths of which nothing of a lower layer is left, neither there nor below."""
        return {*self.files, *self.hard_links, *self.symbolic_links, *self.others, *self.hidden}


def read_layer(file: BinaryIO, place: str, limits: Limits) -> LayerFacts:
    """Return the facts of the layer in ``file``; ``place`` is for messages.

    :raises UnreadableImageError: if it is damaged, exceeds a limit or leads out of the image.
    """
    try:
        with _unpacked(file) as stream:
            return _read(_Forward(stream, limits.unpacked), limits)
    except _LimitError as error:
        raise UnreadableImageError(f"{place} {error}; it was not read") from None
    except _DAMAGED as error:
        raise UnreadableImageError(f"{place} is not a sound tar archive: {error}") from None


def _unpacked(file: BinaryIO) -> AbstractContextManager[io.BufferedIOBase | BinaryIO]:
    """Return the archive in ``file``: a stream that holds a piece of it at a time.

    Of zstd that piece is a frame's window: more than the library's 128 MiB are refused.
    """
    magic = file.read(4)
    file.seek(0)
    if magic == _ZSTD:
        return zstd.ZstdFile(file)
    if magic.startswith(_GZIP):
        return gzip.GzipFile(fileobj=file)
    return nullcontext(file)


def ancestors(path: str) -> list[str]:
    """Return the folders that ``path`` lies in, the root (``""``) first."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts))]


class _LimitError(Exception):
    """A limit is exceeded; the text follows the name of the layer."""


class _Forward(io.RawIOBase):
    """A stream that goes forward alone, and no further than ``limit`` bytes."""

    def __init__(self, source: io.BufferedIOBase | BinaryIO, limit: int) -> None:
        self._source, self._limit = source, limit
        self._position = 0
        self.last = b""
        """What was read last: a block of zeros where an archive ends as it should."""

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= _LARGEST_READ:
            raise _LimitError(f"has a header of more than {_LARGEST_READ} bytes")
        self.last = self._source.read(size)
        self._position += len(self.last)
        if self._position > self._limit:
            raise _LimitError(f"holds more than {self._limit} bytes")
        return self.last

    def seek(self, position: int, whence: int = io.SEEK_SET, /) -> int:
        if whence != io.SEEK_SET or position < self._position:
            raise ValueError("it refers to what lies before")
        while self._position < position and self.read(min(position - self._position, _PIECE)):
            pass
        return self._position

    def tell(self) -> int:
        return self._position


class _Entries:
    """The entries of a layer as they come: of two of the same path the later one counts."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._kept = 0
        self.facts = LayerFacts()

    def add(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = _path_of(member.name)
        folder, _, name = path.rpartition("/")
        if name.startswith(_WHITEOUT):
            self._hide(folder, name)
            return
        facts = self.facts
        for known in (facts.files, facts.hard_links, facts.symbolic_links):
            known.pop(path, None)
        for paths in (facts.others, facts.folders):
            paths.discard(path)
        if member.isdir():
            facts.folders.add(path)
        elif member.issym():
            if len(member.linkname) > LONGEST_PATH:
                raise _LimitError(f"has a link of more than {LONGEST_PATH} characters")
            facts.symbolic_links[path] = member.linkname
        elif WANTED.fullmatch(path) and member.islnk():
            facts.hard_links[path] = _path_of(member.linkname)
        elif WANTED.fullmatch(path) and member.isreg():
            facts.files[path] = self._content(archive, member)
        else:
            facts.others.add(path)

    def _hide(self, folder: str, name: str) -> None:
        if name == _OPAQUE:
            self.facts.opaque.add(folder)
        elif not name.startswith(_NOTES):
            hidden = name.removeprefix(_WHITEOUT)
            if hidden in {"", ".", ".."}:
                raise ValueError(f"{name!r} hides nothing that has a name")
            self.facts.hidden.add(f"{folder}/{hidden}".lstrip("/"))

    def _content(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
        self._kept += member.size
        if member.size > self._limits.file:
            raise _LimitError(f"has a record of packages of more than {self._limits.file} bytes")
        if self._kept > self._limits.kept:
            raise _LimitError(f"has records of packages of more than {self._limits.kept} bytes")
        source = archive.extractfile(member)
        if source is None or member.issparse():
            raise ValueError(f"{member.name!r} is a sparse file")
        content = b"".join(iter(lambda: source.read(_PIECE), b""))
        if len(content) != member.size:
            raise ValueError(f"{member.name!r} is cut off")
        return content


def _read(stream: _Forward, limits: Limits) -> LayerFacts:
    entries, count = _Entries(limits), 0
    with tarfile.open(fileobj=stream, mode="r:", errors="surrogateescape") as archive:
        while (member := archive.next()) is not None:
            count += 1
            if count > limits.entries:
                raise _LimitError(f"has more than {limits.entries} entries")
            entries.add(archive, member)
            # The archive would remember each one.
            archive.members.clear()  # type: ignore[attr-defined]
        # A header that is damaged ends the reading in the same way as the end does.
        if stream.last not in {b"", bytes(_BLOCK)}:
            raise ValueError("a header is damaged")
    return entries.facts


def _path_of(name: str) -> str:
    """Return a path without a leading slash and without parts that mean nothing."""
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise ValueError(f"{name[:LONGEST_PATH]!r} leads out of its folder")
    path = "/".join(parts)
    if len(path) > LONGEST_PATH:
        raise _LimitError(f"has a path of more than {LONGEST_PATH} characters")
    return path
