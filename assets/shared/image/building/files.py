"""What the steps that fetch, compile and install have in common: their lines, files and dates.

A line is `<where> <what>`: `where` is `any` or the platforms, parted by commas, that get it.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
import time
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.parse import unquote
from urllib.request import urlopen

# Kept by the builder for all builds. A file lies under its SHA-256, and under its own name there.
CACHE = Path("/files")
# The oldest date that a wheel, which is a zip file, can hold.
EPOCH = 315532800
LARGEST = 2 * 1024**3
TRIES = 3
SECONDS = 60.0
_CHUNK = 1024**2
_REFERENCE = re.compile(r"(https?://\S+)#sha256=([0-9a-f]{64})")


def lines(path: Path, where: str) -> list[str]:
    """Return the second halves of the lines that are for `where`."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        if line.strip():
            places, _, what = line.strip().partition(" ")
            if where in places.split(","):
                found.append(what)
    return found


def normalised(name: str) -> str:
    """Return the name of a distribution as PEP 503 spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def file_of(reference: str) -> str:
    """Return the name of the file at an address, which may end in a query."""
    return unquote(re.split("[?#]", reference)[0]).rpartition("/")[2]


def fetched(reference: str) -> Path:
    """Return the file that `https://...#sha256=...` stands for, from the cache if it is there.

    Builds that run at the same time may fetch the same file: each writes its own, and a whole one
    takes the place of the other.
    """
    found = _REFERENCE.fullmatch(reference)
    if not found:
        sys.exit(f"building: {reference!r} is not an address with a SHA-256; run `make lock`")
    address, digest = found.groups()
    path = CACHE / digest / file_of(address)
    if path.is_file() and _digest(path) == digest:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    for tried in range(TRIES):
        if tried:
            time.sleep(tried)
        problem = _fetch(address, digest, path)
        if not problem:
            return path
    sys.exit(f"building: {address} {problem}")


def _fetch(address: str, digest: str, path: Path) -> str:
    """Put what is at an address to `path`; return what is wrong with it, in which case it is not.

    The file appears at `path` whole or not at all.
    """
    handle, name = tempfile.mkstemp(dir=str(path.parent))
    try:
        with os.fdopen(handle, "wb") as file, urlopen(address, timeout=SECONDS) as answer:  # noqa: S310 - http(s) alone
            for chunk in iter(lambda: answer.read(_CHUNK), b""):
                file.write(chunk)
                if file.tell() > LARGEST:
                    return f"is larger than the {LARGEST} bytes that are taken"
        found = _digest(Path(name))
        if found != digest:
            return f"has the SHA-256 {found}, and {digest} is locked. Run `make lock`"
        os.replace(name, path)  # noqa: PTH105 - a string and a path
    except (OSError, HTTPException) as error:
        return f"can't be fetched: {error}"
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)  # noqa: PTH108 - as above
    return ""


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            found.update(chunk)
    return found.hexdigest()


def settle(out: Path) -> None:
    """Give everything in a folder one date, and modes that no umask has a part in."""
    for path in (out, *out.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(str(path), (EPOCH, EPOCH))
