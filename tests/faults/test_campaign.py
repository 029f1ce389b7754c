"""A short campaign; `python -m tests.faults` runs a long one."""

import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.engine.registries import Distribution
from tests.faults.campaign import MODES, Mode, run_schedule
from tests.faults.kills import run_kills

pytestmark = pytest.mark.integration

SEEDS = [f"suite/{number}" for number in range(18)]
_OF_EACH_KIND = 2


def mode_of(seed: str) -> Mode:
    """Return what a schedule of this seed draws first: the kind of registry, and the policy."""
    return random.Random(seed).choice(MODES)  # noqa: S311


def schedules() -> Iterator[pytest.ParameterSet]:
    """Yield the seeds; all but some of each mode are for the slow tests."""
    met: list[Mode] = []
    for seed in SEEDS:
        mode = mode_of(seed)
        slow = met.count(mode) >= _OF_EACH_KIND
        yield pytest.param(seed, marks=[pytest.mark.slow] if slow else [])
        met.append(mode)


def test_every_mode_has_schedules_that_are_not_slow() -> None:
    quick = [mode_of(str(one.values[0])) for one in schedules() if not one.marks]
    assert [quick.count(mode) for mode in MODES] == [_OF_EACH_KIND] * len(MODES)


@pytest.mark.parametrize("seed", [*schedules()])
def test_whatever_fails_a_rerun_converges_and_nothing_kept_is_lost(
    distribution: Distribution, tmp_path: Path, seed: str
) -> None:
    outcome = run_schedule(distribution, seed, tmp_path)
    assert outcome.checks == 3 + outcome.left, f"seed {seed}"


def of_github() -> str:
    """Return a seed that draws GitHub's registry."""
    seeds = (f"suite/github/{number}" for number in count())
    return next(seed for seed in seeds if mode_of(seed).ghcr)


def test_ups_that_are_killed_on_github_s_registry_remove_by_its_packages(
    distribution: Distribution, tmp_path: Path
) -> None:
    outcome = run_kills(distribution, of_github(), tmp_path, kills=1)
    assert outcome.checks == 1
    assert outcome.undoable > 0, "the seeded strays went, and only GitHub's API removes them there"


def test_ups_that_are_killed_leave_nothing_that_a_rerun_does_not_mend(
    distribution: Distribution, tmp_path: Path
) -> None:
    outcome = run_kills(distribution, "suite/kills", tmp_path)
    assert outcome.checks == 3
    assert outcome.kills > 0, "\n".join(outcome.story)
