"""Checks of the distributions that are installed in the image."""

from __future__ import annotations

import csv
import ctypes
import shutil
import subprocess
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from expect import Expect
    from report import Report

USR_LOCAL = Path("/usr/local")
SCRIPTS = USR_LOCAL / "bin"


def check_distributions(expect: Expect, report: Report) -> None:
    """Check every distribution that is declared to be there, or not to be."""
    for name, version in expect.packages.items():
        check_package(name, version, report)
    for name in expect.absent:
        check_absent(name, report)


def check_package(name: str, version: str, report: Report) -> None:
    """Check that a distribution is there once, in its version and its place, and with its files."""
    found = list(metadata.distributions(name=name))
    versions = ", ".join(package.version for package in found) or "no such distribution"
    report.equal(f"{name} {version} is installed", version, versions)
    for package in found:
        files = [Path(str(package.locate_file(file))) for file in recorded(package)]
        missing = [str(file) for file in files if not file.exists()]
        report.equal(f"every file of {name} is there", [], missing or ([] if files else "none"))
        outside = [str(file) for file in files if USR_LOCAL not in file.resolve().parents]
        report.equal(f"{name} lies under /usr/local", [], outside)
        check_libraries(name, [file for file in files if file.suffix == ".so"], report)
        check_scripts(package, report)


def recorded(package: metadata.Distribution) -> list[PurePosixPath]:
    """Return the files that a distribution's RECORD lists, also those that are not there.

    `Distribution.files` leaves the missing ones out from Python 3.12 on.
    """
    lines = (package.read_text("RECORD") or "").splitlines()
    return [PurePosixPath(row[0]) for row in csv.reader(lines) if row]


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
            if seen:
                report.equal(f"{script.name} has its interpreter", None, lost_interpreter(seen))


def lost_interpreter(script: str) -> str | None:
    """Return the interpreter that a script names and that is not there; None where all is well."""
    with Path(script).open("rb") as file:
        line = file.readline()
    words = line[2:].decode("utf-8", "replace").split() if line[:2] == b"#!" else []
    return words[0] if words and shutil.which(words[0]) is None else None


def check_requirements(expect: Expect, report: Report) -> None:
    """Check, where the base brings pip, that it finds every requirement met.

    What is declared absent is not missed.
    """
    pip = shutil.which("pip")
    if pip is None:
        print("no pip in this image: it is not asked whether all requirements are met", flush=True)
        return
    run = subprocess.run([pip, "check"], capture_output=True, text=True, check=False)
    declared = tuple(f" requires {name}, which is not installed." for name in expect.absent)
    lines = run.stdout.splitlines() if run.returncode else []
    missed = [line for line in lines if not line.endswith(declared)]
    if run.returncode and not lines:
        missed = [run.stderr]
    report.equal("pip check finds every requirement met", [], missed)
