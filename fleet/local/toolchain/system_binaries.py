"""Programs that this machine already has: taken from PATH where their version is good enough."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from fleet.console import say
from fleet.local.child_environment import run
from fleet.local.paths import Checkout
from fleet.local.toolchain.modules import BUILDKIT, PULUMI, PULUMI_VERSION, REGISTRY, Module

_SECONDS = 60
# By module: the programs that are needed side by side, and the versions of the first that are good.
_WANTED = {
    PULUMI.name: (("pulumi", "pulumi-language-python"), PULUMI_VERSION),
    BUILDKIT.name: (("buildkitd", "buildctl"), "0.23 or newer"),
    REGISTRY.name: (("registry",), "3.0 or newer"),
}


def on_path(checkout: Checkout, module: Module) -> Path | None:
    """Return the folder of the programs of ``module`` on PATH, in a version that is good enough.

    The links that we put on PATH are left out.
    """
    (first, *others), wanted = _WANTED[module.name]
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    search = os.pathsep.join(each for each in folders if Path(each) != checkout.bin)
    found = shutil.which(first, path=search)
    place = Path(found).parent if found else None
    if not found or not all(shutil.which(name, path=place) for name in others):
        return None
    version = _version(found, "version" if module == PULUMI else "--version")
    oldest = wanted.removesuffix(" or newer")
    if version == oldest or (wanted != oldest and _numbers(version) >= _numbers(oldest)):
        return place
    say(f"toolchain: {found} is {version or 'of no known version'}, not {wanted}; it is left alone")
    return None


def _version(program: str, word: str) -> str:
    """Return what a program prints of its version, such as ``registry example.org/d/v3 v3.1.2``.

    It is empty where none is known.
    """
    try:
        answer = run([program, word], timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"(?:^|\s)v?(\d+\.\S+)", answer.stdout)
    return found[1] if found and not answer.returncode else ""


def _numbers(version: str) -> list[int]:
    found = re.match(r"[\d.]*\d", version)
    return [int(part) for part in found[0].split(".")] if found else []
