"""Fixtures of the image assets' tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.assets.starting import Container

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["sh", "dash"])
def container(tmp_path: Path, request: pytest.FixtureRequest) -> Container:
    """A container with an application `main`, for each shell that a base may bring."""
    made = Container(root=tmp_path, shell=request.param)
    made.prepare()
    return made
