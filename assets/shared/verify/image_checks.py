"""Checks of what lies in the image, without starting a server."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from expect import Expect
    from report import Report

USR_LOCAL = Path("/usr/local")
SCRIPTS = USR_LOCAL / "bin"
READABLE = (Path("/start.sh"), Path("/app"), USR_LOCAL / "lib/start")
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
    check_python(expect, report)
    check_platform(expect.platform, Path(sys.executable).read_bytes()[:20], report)
    check_layout(expect.python, report)
    check_readable(READABLE, report)
    for name, version in expect.packages.items():
        check_package(name, version, report)
    for name in expect.absent:
        check_absent(name, report)


def check_python(expect: Expect, report: Report) -> None:
    """Check the version line of the interpreter."""
    seen = ".".join(platform.python_version_tuple()[:2])
    report.equal(f"the interpreter is Python {expect.python}", expect.python, seen)


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


def check_package(name: str, version: str, report: Report) -> None:
    """Check that a distribution is there once, in its version and its place, and with its files."""
    found = list(metadata.distributions(name=name))
    versions = ", ".join(package.version for package in found) or "no such distribution"
    report.equal(f"{name} {version} is installed", version, versions)
    for package in found:
        files = [Path(str(package.locate_file(file))) for file in package.files or []]
        missing = [str(file) for file in files if not file.exists()]
        report.equal(f"every file of {name} is there", [], missing or ([] if files else "none"))
        outside = [str(file) for file in files if USR_LOCAL not in file.resolve().parents]
        report.equal(f"{name} lies under /usr/local", [], outside)
        check_libraries(name, [file for file in files if file.suffix == ".so"], report)
        check_scripts(package, report)


def check_absent(name: str, report: Report) -> None:
    """Check that a distribution is not there, as declared."""
    found = ", ".join(package.version for package in metadata.distributions(name=name))
    report.equal(f"{name} is not installed, as declared", "", found)


def check_libraries(name: str, libraries: list[Path], report: Report) -> None:
    """Check that what was compiled loads: the libraries that it was linked with are here too."""
    broken = [problem for file in libraries if (problem := load_error(file))]
    if libraries:
        report.equal(f"what is compiled in {name} loads", [], broken)


def load_error(library: Path) -> str | None:
    """Return why a library does not load, or None when it does."""
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        return f"{library.name}: {error}"
    return None


def check_scripts(package: metadata.Distribution, report: Report) -> None:
    """Check that a distribution's commands are in /usr/local/bin and first on PATH.

    That the servers' own run is seen when start.sh starts them.
    """
    for script in package.entry_points:
        if script.group == "console_scripts":
            expected, seen = str(SCRIPTS / script.name), shutil.which(script.name)
            report.equal(f"{script.name} is a command of {SCRIPTS}", expected, seen)
