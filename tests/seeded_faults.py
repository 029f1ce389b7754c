"""Faults put into the program one after the other: the fast tests must find each.

    python -m tests.seeded_faults [--only NUMBER ...] [--jobs 2]

Each takes a small piece of the program that a promise hangs on, and makes it wrong as a slip
would. They are put into copies of the checkout, one for each job, and the tests that are to find
the fault run there. A fault that these do not find is named, and the exit status is 1.

First the tests run without any fault: all of them have to pass, or nothing is said about faults.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final

import yaml

from fleet.console import say

ROOT: Final = Path(__file__).parents[1]
# What pytest ends with: all passed, or some failed. Anything else says nothing of a fault.
_PASSED, _FAILED = 0, 1
_LIMIT_SECONDS = 900


@dataclass(frozen=True, kw_only=True)
class Fault:
    """``old``, which is in ``file`` once, becomes ``new``; ``tests`` are below tests/.

    These are files, as few as find the fault.
    """

    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def _faults() -> Iterator[Fault]:
    for part in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8")):
        for piece in part["pieces"]:
            yield Fault(file=part["file"], tests=tuple(part["tests"].split()), **piece)


FAULTS: Final = tuple(_faults())


class Copies:
    """Copies of the checkout, of which each serves one run at a time."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self._free: SimpleQueue[Path] = SimpleQueue()
        for number in range(jobs):
            copy = folder / f"checkout-{number}"
            subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, copy], check=True)
            shutil.copytree(ROOT / "tests", copy / "tests", dirs_exist_ok=True)
            (copy / ".venv").symlink_to(sys.prefix)
            self._free.put(copy)

    @contextmanager
    def one(self) -> Iterator[Path]:
        """Yield a copy that nobody else has meanwhile."""
        copy = self._free.get()
        try:
            yield copy
        finally:
            self._free.put(copy)

    def failing(self, tests: Sequence[str], fault: Fault | None = None) -> str:
        """Return what pytest printed of ``tests`` where some fail, else nothing.

        :raises SystemExit: where the tests could not be run, as with a fault of syntax.
        """
        with self.one() as copy, _seeded(copy, fault):
            words = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=short")
            argv = [sys.executable, "-B", "-m", "pytest", *words]
            try:
                done = subprocess.run(
                    [*argv, *(f"tests/{each}" for each in tests)], timeout=_LIMIT_SECONDS,
                    cwd=copy, check=False, capture_output=True, text=True,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                # A start script that ends no more has tests wait for it.
                return f"{' '.join(tests)}: did not end in {_LIMIT_SECONDS} s"
        if done.returncode not in (_PASSED, _FAILED):
            raise SystemExit(f"the tests could not be run:\n{done.stdout}{done.stderr}")
        return done.stdout if done.returncode == _FAILED else ""


@contextmanager
def _seeded(copy: Path, fault: Fault | None) -> Iterator[None]:
    if fault is None:
        yield
        return
    path = copy / fault.file
    before = path.read_text("utf-8")
    path.write_text(before.replace(fault.old, fault.new), "utf-8")
    try:
        yield
    finally:
        path.write_text(before, "utf-8")


def main(arguments: list[str]) -> int:
    """Return 0 when the tests find every fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.seeded_faults")
    parser.add_argument("--only", type=int, nargs="+", metavar="NUMBER")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args(arguments)
    chosen = given.only or range(1, len(FAULTS) + 1)
    with (
        tempfile.TemporaryDirectory(prefix="fleet-") as folder,
        ThreadPoolExecutor(given.jobs) as pool,
    ):
        copies = Copies(Path(folder), given.jobs)
        _require_passing(copies, pool, chosen)
        found = list(pool.map(lambda number: _is_found(copies, number), chosen))
    say(f"{found.count(False)} of {len(found)} faults were not found")
    return not all(found)


def _require_passing(copies: Copies, pool: ThreadPoolExecutor, chosen: Sequence[int]) -> None:
    """Run the tests of the ``chosen`` faults without any.

    :raises SystemExit: with what failed.
    """
    began = time.monotonic()
    tests = sorted({test for number in chosen for test in FAULTS[number - 1].tests})
    printed = [text for text in pool.map(lambda each: copies.failing([each]), tests) if text]
    if printed:
        raise SystemExit("\n".join(("these tests fail without any fault:", *printed)))
    say(f"without a fault: {len(tests)} files passed in {time.monotonic() - began:.0f} s")


def _is_found(copies: Copies, number: int) -> bool:
    fault, began = FAULTS[number - 1], time.monotonic()
    found = bool(copies.failing(fault.tests, fault))
    took = f"{time.monotonic() - began:3.0f} s"
    what = f"{fault.file}: {fault.old.strip()}"
    say(f"{number:2} {'found ' if found else 'MISSED'} {took} {what}")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
