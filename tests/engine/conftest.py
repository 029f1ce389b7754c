"""What tests with the real engine and a real registry share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.registries import Distribution
from tests.engine.stack import EngineStack


@pytest.fixture
def distribution(tmp_path: Path) -> Iterator[Distribution]:
    with Distribution(tmp_path / "registry") as started:
        yield started


@pytest.fixture
def stack(tmp_path: Path, distribution: Distribution) -> EngineStack:
    return EngineStack(tmp_path / "project", distribution.environment)
