"""Checks of the image's interpreter, layout and files, without starting a server."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from expect import Expect
    from report import Report

READABLE = (Path("/start.sh"), Path("/app"), Path("/usr/local/lib/start"))
# ELF header, e_ident[EI_CLASS] and e_machine (System V ABI, chapter 4).
ELF_MACHINES = {
    "linux/amd64": (64, 62),
    "linux/arm64": (64, 183),
    "linux/arm/v7": (32, 40),
    "linux/386": (32, 3),
    "linux/ppc64le": (64, 21),
    "linux/s390x": (64, 22),
    "linux/riscv64": (64, 243),
}


def check_image(expect: Expect, report: Report) -> None:
    """Run every check of this module."""
    check_python(expect.python, report)
    check_platform(expect.platform, Path(sys.executable).read_bytes()[:20], report)
    check_layout(expect.python, report)
    check_readable(READABLE, report)


def check_python(declared: str, report: Report) -> None:
    """Check the version line of the interpreter."""
    seen = ".".join(platform.python_version_tuple()[:2])
    report.equal(f"the interpreter is Python {declared}", declared, seen)


def check_platform(declared: str, elf_header: bytes, report: Report) -> None:
    """Check the word size and machine that the interpreter was built for.

    The kernel's own answer would be that of the builder: it may run 32-bit images on 64 bits.
    """
    order = "little" if elf_header[5:6] == b"\x01" else "big"
    seen = (32 * ord(elf_header[4:5] or b"\0"), int.from_bytes(elf_header[18:20], order))  # type: ignore[arg-type]
    expected = ELF_MACHINES.get(declared, "a platform that the verification knows")
    report.equal(f"the interpreter is built for {declared}", expected, seen)


def check_layout(python: str, report: Report) -> None:
    """Check the working directory, the module path and where packages live."""
    report.equal("the working directory is /app", "/app", str(Path.cwd()))
    python_path = os.environ.get("PYTHONPATH", "")
    report.contains("/app is on PYTHONPATH", ":/app:", f":{python_path}:")
    expected = f"/usr/local/lib/python{python}/site-packages"
    report.equal(f"packages live in {expected}", expected, sysconfig.get_path("purelib"))


def check_readable(places: tuple[Path, ...], report: Report) -> None:
    """Check that users other than root may read ``places`` and all below, and enter folders.

    The verification runs as root with every capability, so that starting the server can't tell.
    """
    found = [path for place in places for path in (place, *sorted(place.rglob("*")))]
    wanted = {path: 0o005 if path.is_dir() else 0o004 for path in found}
    closed = [str(path) for path, bits in wanted.items() if path.stat().st_mode & bits != bits]
    report.equal("any user may read what the start needs", [], closed)
