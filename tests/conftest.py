"""What holds for every test."""

from typing import Any

import pytest
from hypothesis import settings

# No test asserts a time, and Hypothesis by default does: 200 ms an example.
settings.register_profile("fleet", deadline=None)
settings.load_profile("fleet")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep together what shares costly fixtures: see `tests/side_by_side.py`."""
    from tests.side_by_side import scheduler  # noqa: PLC0415 - not there without the plugin

    return scheduler(config, log)
