"""What tests of the jobs share: a stand-in for GitHub that has to be spoken to as described."""

from collections.abc import Iterator

import pytest

from fleet.github.job import Job
from tests.fleet.github.hub import REPOSITORY, Hub

HEAD = "a" * 40
COMMIT = "c" * 40


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    yield made
    assert made.violations == []


@pytest.fixture
def job(hub: Hub) -> Iterator[Job]:
    """A job of pull request 7 for the stack prod."""
    with hub.open() as api:
        yield Job(
            api=api,
            stack="prod",
            repository=REPOSITORY,
            branch="main",
            commit=COMMIT,
            run="https://github.com/team/fleet/actions/runs/1",
            pull_request=7,
            head=HEAD,
        )
