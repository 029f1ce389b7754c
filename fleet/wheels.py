"""What has no wheel and is compiled: once for all tags of an image that compile the same."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleet import names
from fleet.cell import Cell
from fleet.identity import digest_of

_ARGUMENTS = ("BUILDER", "COMPILED", "BUILD_REQUIREMENTS", "COMPILERS", "INDEX", "QEMU_CPU")
"""The arguments that the stages up to ``wheels`` of a Dockerfile depend on."""

_SHORT = slice(len("sha256:"), len("sha256:") + 12)


@dataclass(frozen=True, kw_only=True)
class Wheels:
    """The stage ``wheels`` of an image's Dockerfile, for one Python, platform and set of pins.

    ``name`` is the logical name of its resource, and holds a hash of ``arguments``: others are
    another resource. ``cache`` is where the registry keeps it, for builders that never saw it.
    """

    name: str
    cache: str
    arguments: Mapping[str, str]


def wheels_of(
    cell: Cell, platform: str, repository: str, arguments: Mapping[str, str]
) -> Wheels | None:
    """Return what is compiled for a build with ``arguments``; None where all have wheels.

    ``repository`` is the public one of the image, with its registry.
    """
    if "COMPILED" not in arguments:
        return None
    own = {key: arguments[key] for key in _ARGUMENTS if key in arguments}
    short = digest_of([platform, own])[_SHORT]
    tag = f"py{cell.builder_key}-{names.PLATFORMS[platform]}-{short}"
    return Wheels(
        name=f"{cell.image.name}/wheels:{tag}", cache=f"{repository}/cache:{tag}", arguments=own
    )
