"""What a stack declares of its repository on GitHub, and of the runners there."""

from typing import Any

import pytest

from fleet.declaration.github import GitHub
from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from fleet.declaration.tags import PLATFORMS
from tests.fleet.examples import config


def github(**keys: Any) -> GitHub:
    found = parse(config(github={"repository": "multi-py/fleet", **keys})).github
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("runner", "architecture"),
    [
        ("ubuntu-24.04", "linux/amd64"),
        ("ubuntu-latest", "linux/amd64"),
        ("ubuntu-24.04-arm", "linux/arm64"),
        ("warp-ubuntu-latest-arm64-4x", ""),
        ("ubuntu-24.04-16core", ""),
        ("our-arm", ""),
    ],
)
def test_only_the_labels_of_github_tell_what_a_runner_builds(
    runner: str, architecture: str
) -> None:
    assert github(runner=runner).architecture == architecture


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_can_be_a_runners_own(platform: str) -> None:
    declared = platform.removeprefix("linux/")
    assert github(runner="own", architecture=declared).architecture == platform


def test_an_unknown_architecture_is_a_problem() -> None:
    with pytest.raises(
        DeclarationError, match=r"fleet:github\.architecture: 'x86_64' is not a known"
    ):
        github(architecture="x86_64")


def test_jobs_without_secrets_run_on_githubs_own_runner_unless_another_is_declared() -> None:
    assert github().check_runner == "ubuntu-24.04"
    assert github(runner="ours").check_runner == "ubuntu-24.04"
    assert github(runner="ours", **{"check-runner": "open"}).check_runner == "open"


def test_a_runner_of_ones_own_has_no_jobs_with_and_without_secrets() -> None:
    with pytest.raises(DeclarationError) as caught:
        github(runner="ours", **{"check-runner": "ours"})
    (problem,) = caught.value.problems
    assert problem.path == "fleet:github.check-runner"
    assert "pull requests of forks run their own code on it" in problem.what
    assert "ubuntu-24.04" in problem.remedy


@pytest.mark.parametrize(
    ("runner", "check"),
    [
        ("ours", "Ours"),  # GitHub takes labels in any case
        ("ours", "self-hosted"),
        ("ours", "Linux"),
        ("ours", "X64"),
        ("self-hosted", "open"),
    ],
)
def test_labels_that_one_machine_has_are_refused_for_both(runner: str, check: str) -> None:
    with pytest.raises(DeclarationError, match=r"fleet:github\.check-runner"):
        github(runner=runner, **{"check-runner": check})


def test_a_general_label_is_enough_beside_machines_of_github() -> None:
    keys = {"runner": "ubuntu-24.04", "check-runner": "self-hosted"}
    assert github(**keys).check_runner == "self-hosted"
    assert github(runner="self-hosted").check_runner == "ubuntu-24.04"


def test_a_machine_that_github_makes_for_each_job_may_have_both() -> None:
    keys = {"runner": "ubuntu-24.04-arm", "check-runner": "ubuntu-24.04-arm"}
    assert github(**keys).check_runner == "ubuntu-24.04-arm"
