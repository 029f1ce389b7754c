"""What tests with the real engine and a real registry share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.registries import Distribution
from tests.engine.stack import EngineStack
from tests.registries.live import PLAIN, LiveRegistry, running_live


@pytest.fixture
def live(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveRegistry]:
    """Distribution, or the kind that a test marked by `on_each_kind` is run with."""
    with running_live(getattr(request, "param", PLAIN), tmp_path / "registry") as started:
        yield started


@pytest.fixture
def distribution(live: LiveRegistry) -> Distribution:
    """The registry of a test that runs on distribution alone."""
    return live.storage


@pytest.fixture
def stack(tmp_path: Path, live: LiveRegistry) -> EngineStack:
    return EngineStack(tmp_path / "project", live.environment)
