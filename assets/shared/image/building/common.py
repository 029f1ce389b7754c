"""What the steps that fetch, compile and install distributions have in common."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

# The same for every build: the paths of sources and of the environment get into what is compiled.
WORK = Path("/tmp/building")  # noqa: S108 - in a container of its own
# The oldest date that a wheel, which is a zip file, can hold.
EPOCH = 315532800
# Where what was fetched lies, below the folder that the step of the network fills.
WHEELS, SOURCES = "wheels", "sources"
HASHED = ("--no-deps", "--require-hashes")
# Nothing that pip takes from an index runs: wheels are unpacked, sources would be asked.
WHEELS_ALONE = ("--only-binary", ":all:")
FIXED = {
    "SOURCE_DATE_EPOCH": str(EPOCH),
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
# What a requirement from a source looks like: its address, and the hash of what is there.
_SOURCE = re.compile(r"(\S+) @ (https?://\S+)#sha256=([0-9a-f]{64})")


def read(path: Path) -> list[str]:
    """Return the requirements of a file, each with its hashes on one line."""
    lines = path.read_text("utf-8").replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def source_of(line: str) -> tuple[str, str, str] | None:
    """Return name, address and SHA-256 of a requirement that is had from a source, or None."""
    found = _SOURCE.fullmatch(line)
    if " @ " in line and not found:
        sys.exit(f"building: not an address with a SHA-256: {line}")
    return (found[1], found[2], found[3]) if found else None


def file_of(address: str) -> str:
    """Return the name of the file at an address, which may end in a query."""
    return address.partition("?")[0].rpartition("/")[2]


def name_of(text: str) -> str:
    """Return the normalised name (PEP 503) that a requirement or a wheel's file begins with."""
    name = (
        text.split("-", 1)[0] if text.endswith(".whl") else re.split("[=; ]", text, maxsplit=1)[0]
    )
    return re.sub(r"[-_.]+", "-", name).lower()


def listed(wanted: list[str]) -> Path:
    """Write a requirements file; return its path."""
    path = WORK / "requirements.txt"
    path.write_text("\n".join(wanted), "utf-8")
    return path


def from_index(*words: str) -> tuple[str, ...]:
    """Return these words for pip, and the index that INDEX names, where it does."""
    index = os.environ.get("INDEX")
    return (*words, "--index-url", index) if index else words


def pip(*words: str, within: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Call this Python's pip, on the environment `within` where one is given."""
    where = ["--python", str(within)] if within else []
    return subprocess.run([sys.executable, "-m", "pip", *where, *words], check=False)


def install_from(folder: Path, wanted: list[str], *words: str, within: Path | None = None) -> None:
    """Install from a folder of wheels alone; their hashes were checked, or they were made here.

    By name and not by path, for pip records a path in what it installs.
    """
    names = [re.sub(r"\s+--hash=\S+| @ .*", "", line) for line in wanted]
    words = ("--no-deps", "--no-index", "--find-links", str(folder), *words)
    words = ("install", "--no-warn-script-location", *words, "-r", str(listed(names)))
    must(pip(*words, within=within))


def set_dates(out: Path) -> None:
    """Give every file and folder one date."""
    for path in (out, *out.rglob("*")):
        os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)


def say(text: str) -> None:
    """Print a line among those of the commands, in their order."""
    print(f"building: {text}", flush=True)


def must(done: subprocess.CompletedProcess[bytes]) -> None:
    """End with an error where a command did; its own output says why."""
    if done.returncode:
        command = " ".join(map(str, done.args[:4]))
        sys.exit(f"building: {command} ... ended with status {done.returncode}; see above")
