"""Platforms: what Debian and QEMU call each, and which of them this machine is."""

import platform
from dataclasses import dataclass
from typing import Final

from fleet.console import TroubleError


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names of one platform: Debian's architecture, QEMU's, and ``uname -m``."""

    debian: str
    qemu: str
    machine: str


NAMES: Final = {
    "linux/amd64": Names(debian="amd64", qemu="x86_64", machine="x86_64"),
    "linux/arm64": Names(debian="arm64", qemu="aarch64", machine="aarch64"),
    "linux/arm/v7": Names(debian="armhf", qemu="arm", machine="armv7l"),
    "linux/386": Names(debian="i386", qemu="i386", machine="i686"),
    "linux/ppc64le": Names(debian="ppc64el", qemu="ppc64le", machine="ppc64le"),
    "linux/riscv64": Names(debian="riscv64", qemu="riscv64", machine="riscv64"),
    "linux/s390x": Names(debian="s390x", qemu="s390x", machine="s390x"),
}
"""By platform of the OCI image index (``os/architecture[/variant]``)."""


def native() -> str:
    """Return the platform of this machine.

    :raises TroubleError: on a machine that the embedded builder can't run on.
    """
    machine = platform.machine()
    for name, names in NAMES.items():
        if platform.system() == "Linux" and names.machine == machine:
            return name
    raise TroubleError(
        f"the embedded builder needs Linux, and this is {platform.system()} on {machine}. "
        "Name a builder of yours for each platform under fleet:builders."
    )
