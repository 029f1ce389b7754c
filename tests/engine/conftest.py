"""What tests with the real engine and a real registry share."""

from pathlib import Path

import pytest

from tests.engine.stack import EngineStack
from tests.registries.live import LiveRegistry, distribution, live

__all__ = ["distribution", "live"]


@pytest.fixture
def stack(tmp_path: Path, live: LiveRegistry) -> EngineStack:
    return EngineStack(tmp_path / "project", live.environment)
