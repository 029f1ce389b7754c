"""What holds for every test."""

import signal

import pytest
from hypothesis import settings

from tests.side_by_side import scheduler

# No test asserts a time, and Hypothesis by default does: 200 ms an example.
settings.register_profile("fleet", deadline=None)
settings.load_profile("fleet")


# A shell starts what it runs in the background with interrupts ignored, and children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep together what shares costly fixtures: see `tests/side_by_side.py`."""
    return scheduler(config, log)
