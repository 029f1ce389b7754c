"""Puts the distributions of a requirements file into a folder that becomes a layer of an image.

Called as `install.py REQUIREMENTS WHEELS OUT` with the paths of a pip requirements file with
hashes, which may be empty, and of two folders. What has a wheel in WHEELS is installed from there,
all else from wheels of the index; nothing that is installed runs. INDEX may name that index.

The environment may hold BUILDER_PLATFORM, then only pure Python is allowed. The same requirements
give the same bytes, whenever they are installed. Exits 0, or with an error's text.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import common


def main(requirements: Path, made: Path, out: Path) -> None:
    """Install what is wanted below `out`, which may stay an empty folder."""
    os.environ.update(common.FIXED)
    shutil.rmtree(common.WORK, ignore_errors=True)
    common.WORK.mkdir(parents=True)
    out.mkdir(parents=True, exist_ok=True)
    wanted = common.read(requirements)
    if wanted:
        fill(out, wanted, made)
        check_pure(out)
        compile_bytecode(out)
    common.set_dates(out)
    shutil.rmtree(common.WORK)


def fill(out: Path, wanted: list[str], made: Path) -> None:
    """Install what is wanted below `out`, whatever the builder has itself."""
    below = ("--root", str(out), "--ignore-installed", "--no-compile")
    names = {common.name_of(wheel.name) for wheel in made.glob("*.whl")}
    compiled = [line for line in wanted if common.name_of(line) in names]
    others = [line for line in wanted if line not in compiled]
    if others:
        # One call of pip instead of two: under emulation it starts for seconds.
        words = common.from_index("install", "--no-warn-script-location", *below)
        words += (*common.HASHED, *common.WHEELS_ALONE, "-r", str(common.listed(others)))
        if common.pip(*words).returncode:
            sys.exit(
                "install: the index has no locked wheel of each for this platform, see above. Run "
                "`make lock`, which finds what has to be compiled"
            )
    if compiled:
        common.install_from(made, compiled, *below)


def check_pure(out: Path) -> None:
    """Refuse what was compiled where the layer is meant for every platform."""
    if not os.environ.get("BUILDER_PLATFORM"):
        return
    tags = [p for p in out.rglob("WHEEL") if "Root-Is-Purelib: false" in p.read_text("utf-8")]
    if tags:
        names = ", ".join(sorted(path.parent.name for path in tags))
        sys.exit(f"install: {names}: not pure Python: build without BUILDER_PLATFORM")


def compile_bytecode(out: Path) -> None:
    """Compile to bytecode that is checked by its source's hash, not by its date.

    A file that does not compile (some packages ship syntax of other Python versions) stays source,
    as pip would leave it.
    """
    site = f"{out}{sysconfig.get_path('purelib')}"
    words = ["-q", "--invalidation-mode", "checked-hash", "-s", str(out), "-p", "/"]
    subprocess.run([sys.executable, "-m", "compileall", *words, site], check=False)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
