"""Daemons that this machine already has: taken from PATH where their version is good enough."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from fleet.console import say
from fleet.local.child_environment import run
from fleet.local.paths import Checkout

_VERSION = re.compile(r"\sv?(\d+)\.(\d+)")


def buildkit(checkout: Checkout) -> Path | None:
    """Return the folder of a ``buildkitd`` on PATH that has ``buildctl`` beside it."""
    return _folder(checkout, "buildkitd", (0, 23), beside="buildctl")


def registry(checkout: Checkout) -> Path | None:
    """Return the folder of distribution's ``registry`` on PATH."""
    return _folder(checkout, "registry", (3, 0))


def search_path(checkout: Checkout) -> str:
    """Return PATH without the links that we put on it."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if Path(folder) != checkout.bin)


def _folder(
    checkout: Checkout, name: str, oldest: tuple[int, int], *, beside: str = ""
) -> Path | None:
    found = shutil.which(name, path=search_path(checkout))
    if found is None or (beside and not shutil.which(beside, path=str(Path(found).parent))):
        return None
    version = _version(found)
    if version >= oldest:
        return Path(found).parent
    seen, wanted = ".".join(map(str, version)), ".".join(map(str, oldest))
    say(f"toolchain: {found} is {seen or 'of no known version'}, not {wanted} or newer; left alone")
    return None


def _version(binary: str) -> tuple[int, ...]:
    """Return major and minor version, such as of ``registry example.org/d/v3 v3.1.2``."""
    try:
        answer = run([binary, "--version"], timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = _VERSION.search(answer.stdout)
    return tuple(map(int, found.groups())) if found and not answer.returncode else ()
