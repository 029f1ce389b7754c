"""The root file system of an image: its layers, one over the other."""

import gzip
import io
import os
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path

# OCI image specification, "Layer Filesystem Changeset".
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"


def unpack(layers: Iterable[bytes], root: Path) -> None:
    """Lay compressed ``layers`` over one another in the folder ``root``, without device files."""
    root.mkdir(parents=True)
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as archive:
            members = archive.getmembers()
            # First all of them: what this layer brings itself is not meant, wherever it stands.
            for member in members:
                _hide_lower(member, root)
            for member in members:
                _extract(archive, member, root)


def _hide_lower(member: tarfile.TarInfo, root: Path) -> None:
    """Remove what ``member``, if it is a whiteout, hides of the layers below."""
    path = _inside(member, root)
    if path.name == _OPAQUE:
        for each in path.parent.iterdir() if path.parent.is_dir() else ():
            _remove(each)
    elif path.name.startswith(_WHITEOUT):
        _remove(path.with_name(path.name.removeprefix(_WHITEOUT)))


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path) -> None:
    path = _inside(member, root)
    if member.isdev() or path.name.startswith(_WHITEOUT):
        return
    if not member.isdir():
        _remove(path)  # or a link that is there already would be written through
    archive.extract(member, root, numeric_owner=True, filter="fully_trusted")


def _inside(member: tarfile.TarInfo, root: Path) -> Path:
    """Return where ``member`` lies.

    :raises tarfile.FilterError: when that is outside of ``root``, by its name or over a link.
    """
    return root / tarfile.tar_filter(member, str(root)).name


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()
