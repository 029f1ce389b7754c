"""What a job's machine emulates, and the builders that it sets up."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fleet.declaration.github import GitHub
from fleet.declaration.model import Declaration

EMULATORS: Final = {
    "linux/amd64": "amd64",
    "linux/arm64": "arm64",
    "linux/arm/v7": "arm",
    "linux/386": "386",
    "linux/ppc64le": "ppc64le",
    "linux/riscv64": "riscv64",
    "linux/s390x": "s390x",
}
"""By platform, what the image ``binfmt`` calls its emulator.

It has none of the machine that it runs on, so that too many asked for do no harm.
"""

_EMBEDDED = ("fleet", "default")  # started by the program, or brought by the Docker engine


@dataclass(frozen=True, kw_only=True)
class Building:
    """The builders that a job makes, and the emulators that it registers, separated by commas."""

    builders: tuple[str, ...] = ()
    emulated: str = ""


def building(declaration: Declaration, github: GitHub, images: Iterable[str]) -> Building:
    """Return what a job for ``images`` sets up.

    Emulated is every platform that the runner is not known to build natively.
    """
    if not github.emulation:
        return Building()
    declared = [declaration.by_name[name] for name in images]
    platforms = dict.fromkeys(p for image in declared for p in image.platforms)
    named = dict.fromkeys(declaration.builders[platform] for platform in platforms)
    # Nodes that are described build natively, or emulate by themselves.
    own = tuple(n for n in named if n not in _EMBEDDED and n not in declaration.nodes)
    emulated = [
        EMULATORS[platform]
        for platform in platforms
        if platform != github.architecture and declaration.builders[platform] in own
    ]
    return Building(builders=own, emulated=",".join(emulated))
