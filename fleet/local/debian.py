"""Debian packages that the embedded default calls on."""

import os
import shutil
from collections.abc import Mapping
from typing import Final

from fleet.console import TroubleError, tail_of
from fleet.local.child_environment import SEARCH_PATH, child_environment, run
from fleet.local.platforms import native
from fleet.local.remaining import UNKNOWN, Remaining
from fleet.local.requirements import Needs

STEP: Final = "packages"
"""The name of the step that installs them."""

_PATH = os.pathsep.join((os.environ.get("PATH", ""), *SEARCH_PATH))


def wanted(needs: Needs, *, stand_ins: bool) -> dict[str, str]:
    """Return the commands that ``needs`` call on, each with the package that brings it.

    ``a|b`` stands for either command: Debian 13 renamed QEMU's.
    """
    commands: dict[str, str] = {}
    if needs.builder:
        commands["runc"] = "runc"
        if any(platform != native() for platform in needs.built_here):
            commands["qemu-aarch64-static|qemu-aarch64"] = "qemu-user-static"
            commands["update-binfmts"] = "binfmt-support"
    if stand_ins:
        commands["mmdebstrap"] = "mmdebstrap"
    return commands


def missing(commands: Mapping[str, str]) -> list[str]:
    """Return the packages of those ``commands`` that this machine lacks."""
    return sorted({package for command, package in commands.items() if not _is_there(command)})


def _is_there(command: str) -> bool:
    return any(shutil.which(name, path=_PATH) for name in command.split("|"))


def install(commands: Mapping[str, str], remaining: Remaining = UNKNOWN) -> None:
    """Install the packages of those ``commands`` that this machine lacks.

    :raises TroubleError: when there are some and they can't be installed; it names them.
    """
    packages = missing(commands)
    if not packages:
        return
    named = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise TroubleError(f"these Debian packages are missing: {named}. Install them, then rerun.")
    with remaining.step(STEP, f"apt: {named}"):
        _apt(["update", "--quiet"], named)
        _apt(["install", "--quiet", "--yes", "--no-install-recommends", *packages], named)


def _apt(arguments: list[str], named: str) -> None:
    # The scripts of packages run as root.
    env = child_environment(DEBIAN_FRONTEND="noninteractive")
    result = run(["apt-get", *arguments], env=env)
    # An index of some other source may fail to update; the install then tells whether it matters.
    if result.returncode and arguments[0] == "install":
        end = tail_of(result.stdout + result.stderr)
        raise TroubleError(f"apt-get could not install {named}. Its last lines:\n{end}")
