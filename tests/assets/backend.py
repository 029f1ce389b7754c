"""A build backend of a few lines (PEP 517), which the tests of what builds pack and let pip use."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path


def write_wheel(
    folder: Path, name: str, version: str, files: dict[str, str], *, tag: str = "py3-none-any"
) -> Path:
    """Write a wheel of these files and return its path; those of `.data/scripts` are executable."""
    pure = str(tag.endswith("-any")).lower()
    info = f"{name}-{version}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: {pure}\nTag: {tag}\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            member = zipfile.ZipInfo(file)
            member.external_attr = (0o100755 if "/scripts/" in file else 0o100600) << 16
            archive.writestr(member, text)
    return path


def build_wheel(folder: str, *_: object) -> str:
    """Make the wheel of the source in the working directory, which says where it was made."""
    name, version = Path("source.txt").read_text("utf-8").split()
    files = {f"{name}.py": f"MADE_IN = {os.getcwd()!r}\n", **own_files()}  # noqa: PTH109
    return write_wheel(Path(folder), name, version, files).name


def own_files() -> dict[str, str]:
    """Return the files that a source brings along."""
    return {path.name: path.read_text("utf-8") for path in Path().glob("*.py")}
