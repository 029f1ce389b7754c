"""What tests with the real plugin share: a stand-in for GitHub, and a stack that manages it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.github.api import GitHub
from tests.github.server import serving
from tests.github.stack import GitHubStack, plugin_home

CANARY = "canary-7f3b1d-of-the-secret"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plugin_home(tmp_path_factory.mktemp("plugin"))


@pytest.fixture
def github() -> Iterator[GitHub]:
    made = GitHub()
    made.branch.commit("README.md", b"by a person\n")
    yield made
    assert made.violations == []


@pytest.fixture
def stack(tmp_path: Path, home: Path, github: GitHub) -> Iterator[GitHubStack]:
    with serving(github) as url:
        made = GitHubStack(tmp_path / "project", home, url)
        made.manage()
        made.give("BACKEND_KEY", CANARY)
        yield made
