"""Compiles what was fetched, by the build backends that were fetched: here there is no network.

Called as `compile.py COMPILED BUILD_REQUIREMENTS FETCHED OUT` with what `fetch.py` was given and
the folder that it made. `OUT` gets a wheel of each requirement of COMPILED, and of nothing else. It
runs code that others wrote, with no network and nothing to read but that. The same requirements
give the same bytes. Exits 0, or with an error's text.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import common


def main(compiled: Path, build_requirements: Path, fetched: Path, out: Path) -> None:
    """Fill `out`, which stays an empty folder where nothing is compiled."""
    os.environ.update(common.FIXED)
    shutil.rmtree(common.WORK, ignore_errors=True)
    made = common.WORK / common.WHEELS
    made.mkdir(parents=True)
    out.mkdir(parents=True, exist_ok=True)
    wanted = common.read(compiled)
    if wanted:
        archives = fetched / common.SOURCES
        environment = make_environment(common.read(build_requirements), fetched, made)
        for line in wanted:
            build(line, archives, made, environment)
        keep({common.name_of(line) for line in wanted}, made, out)
    common.set_dates(out)
    shutil.rmtree(common.WORK)


def make_environment(backends: list[str], fetched: Path, made: Path) -> Path:
    """Return a virtual environment that holds the build backends.

    A backend without a wheel is compiled as well, in their order, by those that have one.
    """
    environment = common.WORK / "environment"
    words = [sys.executable, "-m", "venv", "--without-pip", str(environment)]
    common.must(subprocess.run(words, check=False))
    os.environ["PATH"] = f"{environment / 'bin'}:{os.environ['PATH']}"
    missing = [line for line in backends if common.source_of(line)]
    there = [line for line in backends if line not in missing]
    if there:
        common.install_from(fetched / common.WHEELS, there, within=environment)
    for line in missing:
        build(line, fetched / common.SOURCES, made, environment)
        common.install_from(made, [line], within=environment)
    return environment


def build(line: str, archives: Path, made: Path, environment: Path) -> None:
    """Compile the source of a requirement where it is unpacked, once."""
    source = common.source_of(line)
    if not source:
        sys.exit(f"compile: not a source: {line}")
    name, address, _ = source
    archive = archives / common.file_of(address)
    folder = common.WORK / common.SOURCES / archive.name
    if folder.exists():
        return
    common.say(f"{name} has no wheel for this platform and is compiled")
    shutil.unpack_archive(archive, folder)
    (unpacked,) = folder.iterdir()
    # pip's own cache of what it compiled goes by the path alone, whatever it was compiled with.
    words = ["--no-build-isolation", "--no-deps", "--no-index", "--no-cache-dir"]
    words += ["--wheel-dir", str(made), str(unpacked)]
    if common.pip("wheel", *words, within=environment).returncode:
        sys.exit(
            f"compile: {name} could not be compiled, see above. There is no network here: where "
            "its build fetches something, it has to come in its source or in its build "
            "requirements. Otherwise declare the platform in `lacks`, or take a version with a "
            "wheel"
        )


def keep(names: set[str], made: Path, out: Path) -> None:
    """Copy the wheels of these names, and no backend's."""
    for wheel in made.glob("*.whl"):
        if common.name_of(wheel.name) in names:
            shutil.copyfile(wheel, out / wheel.name)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
