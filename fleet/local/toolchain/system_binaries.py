"""Programs that this machine already has: taken from PATH where their version is good enough."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from fleet.console import say
from fleet.local.child_environment import run
from fleet.local.paths import Checkout
from fleet.local.toolchain.modules import PULUMI_VERSION

_SECONDS = 60
_VERSION = re.compile(r"(?:^|\s)v?(\d+(?:\.\d+)+)")


def engine(checkout: Checkout) -> Path | None:
    """Return the folder of a ``pulumi`` of the right version on PATH, with its language host."""
    found = _on_path(checkout, "pulumi")
    if found is None or not _on_path(checkout, "pulumi-language-python"):
        return None
    # All of what is printed: 3.259.0-alpha is another one.
    version = _printed([str(found), "version"], os.environ).removeprefix("v")
    return _folder(found, version, PULUMI_VERSION, is_good=version == PULUMI_VERSION)


def buildkit(checkout: Checkout) -> Path | None:
    """Return the folder of a ``buildkitd`` on PATH that has ``buildctl`` beside it."""
    found = _on_path(checkout, "buildkitd")
    is_whole = found and shutil.which("buildctl", path=str(found.parent))
    return _new_enough(found, "0.23") if found and is_whole else None


def registry(checkout: Checkout) -> Path | None:
    """Return the folder of distribution's ``registry`` on PATH."""
    found = _on_path(checkout, "registry")
    return _new_enough(found, "3.0") if found else None


def _on_path(checkout: Checkout, name: str) -> Path | None:
    """Return the program that PATH has without the links that we put on it."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    search = os.pathsep.join(folder for folder in folders if Path(folder) != checkout.bin)
    found = shutil.which(name, path=search)
    return Path(found) if found else None


def _new_enough(binary: Path, oldest: str) -> Path | None:
    # Such as ``registry example.org/d/v3 v3.1.2``.
    found = _VERSION.search(_printed([str(binary), "--version"]))
    version = found[1] if found else ""
    is_good = _numbers(version) >= _numbers(oldest)
    return _folder(binary, version, f"{oldest} or newer", is_good=is_good)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part)


def _folder(binary: Path, version: str, wanted: str, *, is_good: bool) -> Path | None:
    if is_good:
        return binary.parent
    say(
        f"toolchain: {binary} is {version or 'of no known version'}, not {wanted}; it is left alone"
    )
    return None


def _printed(argv: list[str], env: Mapping[str, str] | None = None) -> str:
    try:
        answer = run(argv, env=env, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if answer.returncode else answer.stdout.strip()
