"""Fetches what is compiled and what compiles it, and runs none of it: here there is a network.

Called as `fetch.py WHERE COMPILED BUILD_REQUIREMENTS OUT` with a platform, the paths of two files
of lines and that of a folder, which is made. `name @ https://...#sha256=...` is a source that is
compiled itself, `https://...#sha256=...` a wheel. Where nothing is compiled, nothing is fetched.
Exits 0, or with an error's text.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import files


def main(where: str, compiled: Path, build_requirements: Path, out: Path) -> None:
    """Fill `out`, which stays an empty folder where nothing is compiled."""
    out.mkdir(parents=True, exist_ok=True)
    wanted = files.lines(compiled, where)
    if wanted:
        wanted += files.lines(build_requirements, where)
    for line in wanted:
        path = files.fetched(line.rpartition(" @ ")[2])
        shutil.copyfile(str(path), str(out / path.name))
    files.settle(out)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
