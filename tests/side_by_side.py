"""Which tests one worker runs, one after the other, when `pytest -n` has several."""

import os
from pathlib import PurePosixPath

import pytest

# Stacks of their own: it is all the same to these files which other stacks a workshop has.
_SECOND = frozenset(
    {
        "test_real_applications",
        "test_from_source",
        "test_repository",
        "test_small_stack",
        "test_split",
        "test_two_drivers",
        "test_workflow_steps",
    }
)
# It loses its state and its registry.
_OWN = frozenset({"test_runbook"})


def group(nodeid: str) -> str:
    """Return the name of a test's group: tests of one share what is costly to make.

    That is a workshop (two, for one would take as long as all other tests together, and that of
    the runbook), the home with GitHub's plugin, or the stack of a parameter of `test_drift`. All
    others are by themselves.
    """
    path, _, name = nodeid.partition("::")
    room, module = PurePosixPath(path).parent.name, PurePosixPath(path).stem
    if room == "integration" and module in _OWN:
        return module
    if room == "integration":
        # A folder that is kept from run to run has one owner at a time.
        kept = "FLEET_WORKSHOP" in os.environ
        return f"{room} {2 if module in _SECOND and not kept else 1}"
    if room == "github":
        return room
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
