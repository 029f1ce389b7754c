"""Platforms: what Debian and QEMU call each, and which of them this machine is."""

import platform
from dataclasses import dataclass
from typing import Final

from fleet.console import TroubleError
from fleet.lock.model import platform_of


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names of one platform: Debian's architecture, and QEMU's."""

    debian: str
    qemu: str


NAMES: Final = {
    "linux/amd64": Names(debian="amd64", qemu="x86_64"),
    "linux/arm64": Names(debian="arm64", qemu="aarch64"),
    "linux/arm/v7": Names(debian="armhf", qemu="arm"),
    "linux/386": Names(debian="i386", qemu="i386"),
    "linux/ppc64le": Names(debian="ppc64el", qemu="ppc64le"),
    "linux/riscv64": Names(debian="riscv64", qemu="riscv64"),
    "linux/s390x": Names(debian="s390x", qemu="s390x"),
}
"""By platform of the OCI image index (``os/architecture[/variant]``)."""


def is_linux() -> bool:
    """Tell whether this machine runs Linux."""
    return platform.system() == "Linux"


def native() -> str:
    """Return the platform of this machine.

    :raises TroubleError: on a machine that the embedded builder can't run on.
    """
    system, machine = platform.system(), platform.machine()
    if system == "Linux" and (found := platform_of(machine)):
        return found
    raise TroubleError(
        f"the embedded builder needs Linux, and this is {system} on {machine}.\n"
        "Name a builder of yours for each platform under fleet:builders."
    )
