"""Compiles what was fetched, by the build backends that were fetched: here there is no network.

Called as `compile.py WHERE COMPILED BUILD_REQUIREMENTS FETCHED OUT` with what `fetch.py` was given
and the folder that it made. OUT gets a wheel of each line of COMPILED, and of nothing else. It runs
code that others wrote, with no network and nothing to read but that. The same lines give the same
bytes. Exits 0, or with an error's text.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import files

# The same for every build: the paths of sources and of the environment get into what is compiled.
WORK = Path("/tmp/building")  # noqa: S108 - in a container of its own
FIXED = {
    "SOURCE_DATE_EPOCH": str(files.EPOCH),
    "PYTHONHASHSEED": "0",
    # Debug information names temporary folders and is of no use in an image.
    "CFLAGS": "-O2 -g0",
    "CXXFLAGS": "-O2 -g0",
    # The official alpine image has neither library.
    "LDFLAGS": "-static-libgcc -static-libstdc++",
    # The full base has libyaml and the slim one has not; PyYAML does without.
    "PYYAML_FORCE_LIBYAML": "0",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
}
ALONE = ("--no-deps", "--no-index")


def main(where: str, compiled: Path, build_requirements: Path, fetched: Path, out: Path) -> None:
    """Fill `out`, which stays an empty folder where nothing is compiled."""
    os.environ.update(FIXED)
    shutil.rmtree(str(WORK), ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    wanted = files.lines(compiled, where)
    if wanted:
        make_environment(files.lines(build_requirements, where), fetched)
    for line in wanted:
        wheel = build(line, fetched)
        shutil.copyfile(str(wheel), str(out / wheel.name))
    files.settle(out)
    shutil.rmtree(str(WORK), ignore_errors=True)


def make_environment(backends: list[str], fetched: Path) -> None:
    """Make the virtual environment that holds the build backends.

    A backend without a wheel is compiled as well, in their order, by those that have one.
    """
    environment = WORK / "environment"
    words = [sys.executable, "-m", "venv", "--without-pip", str(environment)]
    must(subprocess.run(words, check=False))
    os.environ["PATH"] = f"{environment / 'bin'}:{os.environ['PATH']}"
    sources = [line for line in backends if " @ " in line]
    there = [fetched / files.file_of(line) for line in backends if line not in sources]
    if there:
        install(*there)
    for line in sources:
        install(build(line, fetched))


def install(*wheels: Path) -> None:
    """Install wheels of backends; compiling all of their modules would take an emulator long."""
    must(pip("install", *ALONE, "--no-compile", *map(str, wheels)))


def build(line: str, fetched: Path) -> Path:
    """Compile the source of a line where it is unpacked, once; return the wheel."""
    name, _, reference = line.partition(" @ ")
    archive = fetched / files.file_of(reference)
    folder, made = WORK / "sources" / archive.name, WORK / "wheels" / archive.name
    if not folder.exists():
        print(f"compile: {name} has no wheel for this platform and is compiled", flush=True)
        shutil.unpack_archive(str(archive), str(folder))
        (unpacked,) = folder.iterdir()
        # pip's own cache of what it compiled goes by the path alone, whatever it was compiled with.
        words = [*ALONE, "--no-build-isolation", "--no-cache-dir", "--wheel-dir", str(made)]
        if pip("wheel", *words, str(unpacked)).returncode:
            sys.exit(
                f"compile: {name} could not be compiled, see above. There is no network here: "
                "where its build fetches something, it has to come in its source or in its build "
                "requirements. Otherwise declare the platform in `lacks`, or take a version with a "
                "wheel"
            )
    (wheel,) = made.iterdir()
    return wheel


def pip(*words: str) -> subprocess.CompletedProcess[bytes]:
    """Call this Python's pip on the environment."""
    where = ["--python", str(WORK / "environment")]
    return subprocess.run([sys.executable, "-m", "pip", *where, *words], check=False)


def must(done: subprocess.CompletedProcess[bytes]) -> None:
    """End with an error where a command did; its own output says why."""
    if done.returncode:
        command = " ".join(map(str, done.args[:6]))
        sys.exit(f"compile: {command} ... ended with status {done.returncode}; see above")


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
