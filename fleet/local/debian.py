"""Debian packages that the embedded default calls on."""

import os
import shutil
from collections.abc import Mapping
from typing import Final

from fleet.console import TroubleError, tail_of
from fleet.local import emulation
from fleet.local.child_environment import SEARCH_PATH, child_environment, run
from fleet.local.remaining import UNKNOWN, Remaining
from fleet.local.requirements import Needs

STEP: Final = "packages"
"""The name of the step that installs them."""

_EMULATORS: Final = {
    "qemu-aarch64-static|qemu-aarch64": "qemu-user-static",
    "update-binfmts": "binfmt-support",
}
_PATH = os.pathsep.join((os.environ.get("PATH", ""), *SEARCH_PATH))


def wanted(needs: Needs, *, stand_ins: bool) -> dict[str, str]:
    """Return the commands that ``needs`` call on, each with the package that brings it.

    ``stand_ins`` says that root file systems are to be made. ``a|b`` stands for either command:
    Debian 13 renamed QEMU's, and where the kernel has all formats, none is called on.
    """
    commands: dict[str, str] = {}
    if needs.builder:
        commands["runc"] = "runc"
        if emulation.missing(needs.built_here):
            commands |= _EMULATORS
    if stand_ins:
        commands["mmdebstrap"] = "mmdebstrap"
    return commands


def missing(commands: Mapping[str, str]) -> list[str]:
    """Return the packages of those ``commands`` that this machine lacks."""
    return sorted({package for command, package in commands.items() if not _is_there(command)})


def _is_there(command: str) -> bool:
    return any(shutil.which(name, path=_PATH) for name in command.split("|"))


def require(commands: Mapping[str, str]) -> None:
    """Return when this machine has those ``commands``, or can install what brings them.

    :raises TroubleError: when it can't: this is not root on Debian. It names them.
    """
    packages = missing(commands)
    if not packages or (os.geteuid() == 0 and shutil.which("apt-get")):
        return
    others = ", ".join(c for c in commands if not _is_there(c) and c not in _EMULATORS)
    text = f"these Debian packages are missing: {' '.join(packages)}.\nInstall them, then rerun."
    if others:
        text += f" On another distribution, install what brings {others}."
    if set(packages) & set(_EMULATORS.values()):
        text += (
            " In place of qemu-user-static and binfmt-support, have the kernel hand the other "
            "platforms' binaries to QEMU: /proc/sys/fs/binfmt_misc then has its formats, enabled."
        )
    raise TroubleError(text)


def install(commands: Mapping[str, str], remaining: Remaining = UNKNOWN) -> None:
    """Install the packages of those ``commands`` that this machine lacks.

    :raises TroubleError: when there are some and they can't be installed; it names them.
    """
    require(commands)
    packages = missing(commands)
    if not packages:
        return
    named = " ".join(packages)
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
