"""The steps of a run that a machine takes once, before the engine's own, with what each takes."""

from collections.abc import Iterator, Sequence

from fleet.checkout.lock_file import lock_file
from fleet.checkout.stack_config import config_file, declaration_of_file
from fleet.declaration.matrix import matrix_entries
from fleet.local import build_times, debian
from fleet.local.base_images import bases
from fleet.local.base_images.bases import StandIn
from fleet.local.docker import daemons
from fleet.local.docker.engine import open_engine
from fleet.local.paths import Checkout
from fleet.local.place_daemons import Placed
from fleet.local.requirements import Needs

LOCK, BUILDS = "lock", "builds"

# Seconds on two cores, of docs/first-run.md.
_APT = 8.0
_ROOT_FILE_SYSTEM = 12.0
_LOCK = 3.0
_TAG = 13.0
# As long as an archive of the makers, which has about as many bytes; not measured.
_IMAGE = 10.0


def first_steps(
    checkout: Checkout, needs: Needs, placed: Placed, stand_ins: Sequence[StandIn], *, builds: bool
) -> Iterator[tuple[str, float]]:
    """Yield what a run has to do first here, with seconds; nothing where all is there.

    :raises TroubleError: when the Docker engine does not say what images it has.
    """
    if placed.docker:
        opened = open_engine(checkout, placed.docker)
        yield from ((name, _IMAGE) for name in daemons.pulls(checkout, opened, needs))
    to_make = bool(bases.absent(checkout, stand_ins))
    if debian.missing(debian.wanted(placed.tools, stand_ins=to_make)):
        yield debian.STEP, _APT
    yield from placed.supply.steps
    if stand_ins and not checkout.bases_file.exists():
        made = sum(len(stand_in.recipes) for stand_in in stand_ins)
        yield bases.STEP, made * _ROOT_FILE_SYSTEM
    declaration = declaration_of_file(config_file(checkout.root, needs.stack))
    if declaration.is_local and not lock_file(checkout.root, needs.stack, declaration).exists():
        yield LOCK, _LOCK
    if builds and not build_times.read(checkout):
        tags = sum(len(matrix_entries(image)) for image in declaration.images)
        yield BUILDS, tags * _TAG
