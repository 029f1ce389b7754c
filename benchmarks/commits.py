"""Another commit and this one, side by side: the same work, done by the program of each.

    python -m benchmarks.commits --commit SHA [--tags 150] [--parts growth dev]

- *growth*: a preview of ``--tags`` synthetic version tags (three platforms each) that changes
  nothing: processor seconds and peak memory; resources and bytes of state for each version tag.
- *dev*: the stack ``dev`` from nothing (the builder's cache is emptied first), once more unchanged,
  ``make up`` of it by the clock, and one new version.

Each side is a clone in a scratch folder, and runs :mod:`benchmarks.one_commit` with the benchmarks
of its own commit, so that it declares and locks in its own form. Where the other commit has another
toolchain, that is built first, outside of what is measured. What is not committed is not measured.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from os import environ
from pathlib import Path
from typing import Final

from benchmarks.one_commit import PARTS
from benchmarks.scratch import ROOT
from fleet.console import say

_SCRIPT: Final = Path(__file__).with_name("one_commit.py")


def figures(commit: str, parts: list[str], tags: int) -> dict[str, float]:
    """Return what the work costs with the program of ``commit``, by figure.

    :raises subprocess.CalledProcessError: when there is no such commit, or its program fails.
    """
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        root = Path(folder) / "checkout"
        git = ["git", "-C", str(root)]
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, root], check=True)
        subprocess.run([*git, "checkout", "--quiet", "--detach", commit], check=True)
        (root / ".venv").symlink_to(sys.prefix)
        # Not this folder's modules (-P), but those of the commit.
        argv = [sys.executable, "-P", str(_SCRIPT), "--tags", str(tags), *parts]
        env = {**environ, "PYTHONPATH": str(root)}
        done = subprocess.run(argv, cwd=root, env=env, check=True, stdout=subprocess.PIPE)
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found


def table(other: Mapping[str, float], ours: Mapping[str, float], commit: str) -> Iterator[str]:
    """Yield a line for each figure: of the other commit, of this one, and ours by theirs."""
    yield f"{'':40} {commit[:12]:>12} {'this commit':>12} {'ratio':>7}"
    for name in dict.fromkeys((*other, *ours)):
        theirs, mine = other.get(name), ours.get(name)
        ratio = f"{mine / theirs:.2f}" if mine is not None and theirs else "-"
        yield f"{name:40} {_number(theirs):>12} {_number(mine):>12} {ratio:>7}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def main(arguments: list[str]) -> int:
    """Measure both commits and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commits")
    parser.add_argument("--commit", required=True, help="the other commit")
    parser.add_argument("--tags", type=int, default=150)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    chosen = parser.parse_args(arguments)
    resolved = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", f"{chosen.commit}^{{commit}}", "HEAD"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if resolved.returncode:
        parser.error(f"there is no commit {chosen.commit} here: {resolved.stderr.strip()}")
    found = []
    for commit in resolved.stdout.split():
        say(f"measuring {commit[:12]}")
        found.append(figures(commit, chosen.parts, chosen.tags))
    print(*table(found[0], found[1], resolved.stdout), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
