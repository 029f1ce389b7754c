"""Puts wheels into a folder that becomes a layer of an image, natively for every platform.

Called as `install.py WHERE REQUIREMENTS WHEELS OUT`. Of the file REQUIREMENTS, the lines for WHERE
(`any` or a platform) are installed into the root OUT, which may stay an empty folder:
`https://...#sha256=...` is fetched, and `name==version` is a wheel in the folder WHEELS. INSTALLER,
in the environment, is the reference of PyPA's installer. Nothing that is installed runs.

The same lines give the same bytes, whichever builder installs them and whenever. Exits 0, or with
an error's text.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import files


def main(where: str, requirements: Path, wheels: Path, out: Path) -> None:
    """Install what is wanted below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    wanted = [wheel_of(what, wheels) for what in files.lines(requirements, where)]
    if wanted:
        sys.path.insert(0, str(files.fetched(os.environ["INSTALLER"])))
        import unpack  # noqa: PLC0415 - it takes the installer, which is there only now

        # Of two wheels with the same file the later one's stays; so the order is always the same.
        for wheel in sorted(wanted, key=lambda path: path.name):
            unpack.unpack(wheel, out)
        compile_bytecode(out, unpack.SITE)
    files.settle(out)


def wheel_of(what: str, wheels: Path) -> Path:
    """Return the wheel that is fetched, or that was compiled before."""
    name, compiled, _ = what.partition("==")
    if "://" in name or not compiled:
        return files.fetched(what)
    there = sorted(wheels.glob("*.whl"))
    for wheel in there:
        if files.normalised(wheel.name.partition("-")[0]) == files.normalised(name):
            return wheel
    seen = ", ".join(wheel.name for wheel in there) or "none"
    sys.exit(
        f"install: {what} is to be compiled, and its wheel is not among the compiled ones "
        f"({seen}). Run `make lock`, then `make up`"
    )


def compile_bytecode(out: Path, site: str) -> None:
    """Compile to bytecode that is checked by its source's hash, not by its date.

    In a process of its own: what bytecode looks like depends on what the interpreter has loaded
    before, and so on what had to be fetched. A file that does not compile (some packages ship
    syntax of other Python versions) stays source, as pip would leave it.
    """
    words = ["-q", "-r", "99", "--invalidation-mode", "checked-hash", "-d", site, f"{out}{site}"]
    python = [sys.executable, "-B", "-m", "compileall"]
    subprocess.run([*python, *words], check=False, env={"PYTHONHASHSEED": "0"})


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
