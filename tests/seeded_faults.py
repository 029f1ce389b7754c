"""Faults put into the program one after the other: the fast tests must find each.

    python -m tests.seeded_faults [--only NUMBER ...]

Each takes a small piece of the program that a promise hangs on, and makes it wrong as a slip
would. They are put into a copy of the checkout, and the fast tests of that part are run there. A
fault that these do not find is named, and the exit status is 1. It takes some minutes.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from fleet.console import say

ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """``old``, which is in the file once, becomes ``new``; ``tests`` are paths below tests/."""

    file: str
    old: str
    new: str
    tests: str


FAULTS: Final = tuple(
    Fault(file=part["file"], tests=part["tests"], **piece)
    for part in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    for piece in part["pieces"]
)


def main(arguments: list[str]) -> int:
    """Return 0 when the tests find every fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.seeded_faults")
    parser.add_argument("--only", type=int, nargs="+", metavar="NUMBER")
    chosen = parser.parse_args(arguments).only or range(1, len(FAULTS) + 1)
    missed = []
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        copy = Path(folder) / "checkout"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, copy], check=True)
        shutil.copytree(ROOT / "tests", copy / "tests", dirs_exist_ok=True)
        (copy / ".venv").symlink_to(sys.prefix)
        for tests in dict.fromkeys(FAULTS[number - 1].tests for number in chosen):
            if _fail(copy, tests):
                raise SystemExit(f"{tests}: these tests fail without any fault")
        for number in chosen:
            fault = FAULTS[number - 1]
            found = _found(copy, fault)
            missed += [] if found else [number]
            say(f"{number:2} {'found ' if found else 'MISSED'} {fault.file}: {fault.old.strip()}")
    say(f"{len(missed)} of {len(list(chosen))} faults were not found")
    return bool(missed)


def _found(copy: Path, fault: Fault) -> bool:
    path = copy / fault.file
    before = path.read_text("utf-8")
    path.write_text(before.replace(fault.old, fault.new), "utf-8")
    try:
        return _fail(copy, fault.tests)
    finally:
        path.write_text(before, "utf-8")


def _fail(copy: Path, tests: str) -> bool:
    """Tell whether some of ``tests`` fail in ``copy``."""
    words = ["-q", "-x", "-p", "no:cacheprovider", "-n", "2", "-m", "not integration and not slow"]
    argv = [sys.executable, "-B", "-m", "pytest", *words]
    argv += [f"tests/{each}" for each in tests.split()]
    done = subprocess.run(argv, cwd=copy, check=False, capture_output=True, text=True)
    # pytest-xdist ends with 2, interrupted, where -x stops it.
    if done.returncode not in (0, 1, 2):
        raise SystemExit(f"the tests could not be run:\n{done.stdout}{done.stderr}")
    return done.returncode != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
