"""A short campaign; `python -m tests.faults` runs a long one."""

import random
from itertools import count
from pathlib import Path

import pytest

from tests.engine.registries import Distribution
from tests.faults.campaign import MODES, run_schedule
from tests.faults.kills import run_kills

pytestmark = pytest.mark.integration

SCHEDULES = [f"suite/{number}" for number in range(18)]


@pytest.mark.parametrize("seed", SCHEDULES)
def test_whatever_fails_a_rerun_converges_and_nothing_kept_is_lost(
    distribution: Distribution, tmp_path: Path, seed: str
) -> None:
    outcome = run_schedule(distribution, seed, tmp_path)
    assert outcome.checks == 3 + outcome.left, f"seed {seed}"


def of_github() -> str:
    """Return a seed that draws GitHub's registry."""
    seeds = (f"suite/github/{number}" for number in count())
    return next(seed for seed in seeds if random.Random(seed).choice(MODES).ghcr)  # noqa: S311


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
