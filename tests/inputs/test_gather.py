"""Inputs of a plan: what is said where the lock is not there yet."""

from pathlib import Path

import pytest

from fleet.problems import DeclarationError
from inputs.gather import gather
from tests.fleet.examples import declaration


def test_a_lock_that_was_not_written_is_one_problem_with_the_command_for_its_stack(
    tmp_path: Path,
) -> None:
    with pytest.raises(DeclarationError) as failure:
        gather(tmp_path, "prod", declaration())
    (problem,) = failure.value.problems
    assert str(problem).endswith("was not written yet. Run `make lock STACK=prod`.")
