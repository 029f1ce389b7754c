"""Unpacks a wheel by PyPA's installer, its releases from 0.7 on, to where pip would have it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.exceptions import InstallerError
from installer.records import InvalidRecordEntry
from installer.sources import WheelFile

_PYTHON = "python{}.{}".format(*sys.version_info)
# The folders of the official images: this builder's own may be others.
SITE = f"/usr/local/lib/{_PYTHON}/site-packages"
_SCHEMES = {"purelib": SITE, "platlib": SITE, "scripts": "/usr/local/bin", "data": "/usr/local"}

_FAULTS = (
    InstallerError, InvalidRecordEntry, BadZipFile, AssertionError, ValueError, KeyError, OSError,
)  # fmt: skip


def unpack(wheel: Path, out: Path) -> None:
    """Install a wheel below the root `out`."""
    try:
        with Wheel.open(wheel) as source:
            headers = f"/usr/local/include/{_PYTHON}/{source.distribution}"
            root = Root(
                scheme_dict={**_SCHEMES, "headers": headers},
                interpreter=f"/usr/local/bin/{_PYTHON}",
                script_kind="posix",
                destdir=str(out),
            )
            install(source, root, {"INSTALLER": b"pip\n"})
    except _FAULTS as error:
        sys.exit(f"install: {wheel.name} is not a wheel that can be installed: {error!r}")


class Wheel(WheelFile):  # type: ignore[misc]
    """A wheel as pip reads it."""

    @property
    def data_dir(self) -> str:
        """The folder of its other schemes: spelled as its metadata's, which its file may not be."""
        return f"{self.dist_info_dir[: -len('.dist-info')]}.data"

    def get_contents(self) -> Iterator[Any]:
        """Yield its files but those that are made here, and none that would lie outside."""
        for record, stream, executable in super().get_contents():
            refuse_outside(record[0])
            if (
                "__pycache__" not in record[0].split("/")
                and record[0] != f"{self.dist_info_dir}/INSTALLER"
            ):
                yield record, stream, executable


def refuse_outside(path: str) -> None:
    """Refuse a path that leads out of the folder that it is to be in."""
    parts = path.split("/")
    if ".." in parts or parts[0] == "":
        raise ValueError(f"its file {path} would lie outside of the root")


class Root(SchemeDictionaryDestination):  # type: ignore[misc]
    """The root of an image, in which a later wheel's file takes the place of an earlier one's."""

    def write_to_fs(self, scheme: str, path: str, stream: Any, is_executable: bool) -> Any:  # noqa: FBT001
        """Write a file, whether it is there or not; also a command, which no list of files has."""
        refuse_outside(path)
        with suppress(FileNotFoundError):
            Path(f"{self.destdir}{self.scheme_dict[scheme]}/{path}").unlink()
        return super().write_to_fs(scheme, path, stream, is_executable)
