"""What goes into an image: distributions resolved by uv, each with its hashes."""

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PIN = re.compile(r"^(?P<pin>[A-Za-z0-9._-]+==[^\s;\\]+)")
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


class ResolutionError(Exception):
    """The index could not be asked, or has no distributions that fit together."""


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """The pins of one Python and version, sorted, and the hashes of each pin's files."""

    pins: tuple[str, ...]
    hashes: Mapping[str, tuple[str, ...]]


def resolve(wanted: list[str], python: str) -> Resolution:
    """Return the newest distributions that satisfy ``wanted`` on ``python`` (``X.Y``) on Linux.

    Hashes of all files of a release are taken, so that one resolution serves every platform.

    :raises ResolutionError: with uv's own reason.
    """
    done = subprocess.run(
        [
            Path(sys.executable).with_name("uv"), "pip", "compile", "-", "--quiet",
            "--generate-hashes", "--no-header", "--no-annotate", "--no-config",
            "--python-version", python, "--python-platform", "linux",
        ],
        input="\n".join(wanted), capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"uv ended with {done.returncode}"
        raise ResolutionError(f"{', '.join(wanted)} on Python {python}: {reason}")
    return read(done.stdout)


def read(text: str) -> Resolution:
    """Return the pins and hashes in ``text``, a requirements file as uv writes it.

    :raises ResolutionError: when a line is neither, or a pin has no hash.
    """
    hashes: dict[str, list[str]] = {}
    pin = ""
    for line in text.splitlines():
        found = _PIN.match(line)
        if found:
            pin = found["pin"]
            hashes[pin] = []
        digests = _HASH.findall(line)
        if pin:
            hashes[pin].extend(digests)
        if line.strip() and not found and not digests:
            raise ResolutionError(f"uv wrote a line that is no pin and no hash: {line!r}")
    bare = [pin for pin, digests in hashes.items() if not digests]
    if bare or not hashes:
        raise ResolutionError(f"uv found no hashes for {', '.join(bare) or 'anything'}")
    return Resolution(
        pins=tuple(sorted(hashes)), hashes={p: tuple(sorted(d)) for p, d in hashes.items()}
    )
