"""Fetches what is compiled and what compiles it, and runs none of it: here there is a network.

Called as `fetch.py COMPILED BUILD_REQUIREMENTS OUT` with the paths of two files of requirements and
of a folder, which is made. A requirement `name @ https://...#sha256=...` is a source archive, and
is taken from that address; any other is a pin with hashes, of which pip downloads a wheel. Where
nothing is compiled, nothing is fetched. INDEX may name the index that wheels come from. Exits 0, or
with an error's text.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

import common

LARGEST = 256 * 1024 * 1024
TRIES = 3
SECONDS = 60.0


def main(compiled: Path, build_requirements: Path, out: Path) -> None:
    """Fill `out`, which stays an empty folder where nothing is compiled."""
    shutil.rmtree(common.WORK, ignore_errors=True)
    common.WORK.mkdir(parents=True)
    out.mkdir(parents=True, exist_ok=True)
    wanted = common.read(compiled)
    if wanted:
        backends = common.read(build_requirements)
        for line in (*wanted, *backends):
            source = common.source_of(line)
            if source:
                save(source, out / common.SOURCES)
        download([line for line in backends if not common.source_of(line)], out / common.WHEELS)
        common.set_dates(out)
    shutil.rmtree(common.WORK)


def save(source: tuple[str, str, str], folder: Path) -> None:
    """Write the archive at an address, which is the one that its hash stands for."""
    name, address, digest = source
    folder.mkdir(parents=True, exist_ok=True)
    content = fetched(address)
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        sys.exit(f"fetch: {name}: {address} has the SHA-256 {found}, and {digest} is locked")
    (folder / common.file_of(address)).write_bytes(content)


def fetched(address: str) -> bytes:
    """Return what is at an address; what may pass is tried again."""
    for tried in range(1, TRIES + 1):
        try:
            with urlopen(address, timeout=SECONDS) as answer:  # noqa: S310 - http(s) alone
                content: bytes = answer.read(LARGEST + 1)
        except (OSError, HTTPException) as error:
            if tried == TRIES:
                sys.exit(f"fetch: {address} can't be fetched: {error}")
            time.sleep(tried)
        else:
            break
    if len(content) > LARGEST:
        sys.exit(f"fetch: {address} is larger than the {LARGEST} bytes that are taken")
    return content


def download(pins: list[str], folder: Path) -> None:
    """Download the wheels of pins."""
    folder.mkdir(parents=True, exist_ok=True)
    if pins:
        words = common.from_index("download", *common.HASHED, *common.WHEELS_ALONE)
        common.must(common.pip(*words, "--dest", str(folder), "-r", str(common.listed(pins))))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
