"""Which tests one worker runs, one after the other, when `pytest -n` has several."""

import os
from pathlib import PurePosixPath

import pytest

ROOMS = (
    "assets",
    "engine",
    "faults",
    "fleet/evidence",
    "fleet/github/render",
    "fleet/upkeep",
    "github",
    "integration",
    "registries",
)
"""Where the integration tests lie, below tests/: nothing else is read to find them."""

# By file, which workshop it has: what these share is a family, a stack `dev`, or nothing at all.
_WORKSHOPS = {
    **dict.fromkeys(
        (
            "test_real_applications",
            "test_from_source",
            "test_repository",
            "test_small_stack",
            "test_split",
            "test_two_drivers",
            "test_workflow_steps",
        ),
        2,
    ),
    **dict.fromkeys(
        ("test_main_job", "test_new_image", "test_registry_login", "test_two_nodes"), 3
    ),
}
# The first loses its state and its registry, the others have no use for a workshop.
_OWN = frozenset({"test_runbook", "test_docker_path", "test_full_disk", "test_root_filesystem"})
# Each of these brings one stack up, and all its tests begin with that.
_UP_ONCE = frozenset(
    {"test_allowed", "test_evidence", "test_mirrors", "test_one_fails", "test_restore_engine"}
)


def group(nodeid: str) -> str:
    """Return the name of a test's group: tests of one share what is costly to make.

    That is a workshop (three, because one would take as long as all other tests together, and that
    of the runbook), the home with GitHub's plugin, a stack that is brought up once, or that of a
    parameter of `test_drift`. All others are by themselves.
    """
    path, _, name = nodeid.partition("::")
    room, module = PurePosixPath(path).parent.name, PurePosixPath(path).stem
    if room == "integration" and module in _OWN:
        return module
    if room == "integration":
        # A folder that is kept from run to run has one owner at a time.
        kept = "FLEET_WORKSHOP" in os.environ
        return f"{room} {1 if kept else _WORKSHOPS.get(module, 1)}"
    if room == "github":
        return room
    if room in {"engine", "upkeep"} and module in _UP_ONCE:
        return module
    if module == "test_drift" and room == "engine":
        return f"{module} {name.partition('[')[2].partition('-')[0].rstrip(']')}"
    return nodeid


def scheduler(config: pytest.Config, log: object) -> object:
    """Return what `--dist loadgroup` calls for, else None: pytest-xdist decides.

    Its own one reads groups out of names of tests, where pytest 9.2 does not take them any more.
    The groups with the most tests begin first.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - plain pytest needs it not

    made = LoadScopeScheduling(config, log)
    made._split_scope = group
    return made
