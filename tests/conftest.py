"""What holds for every test."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.providers.ociregistry.registry_fake import FakeRegistry, serving
from tests.side_by_side import scheduler

# No test asserts a time, and Hypothesis by default does: 200 ms an example.
settings.register_profile("fleet", deadline=None)
settings.load_profile("fleet")


# A shell starts what it runs in the background with interrupts ignored, and children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
for _ignored in (signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(_ignored) is signal.SIG_IGN:
        signal.signal(_ignored, signal.SIG_DFL)


# `make test` gives its own flags and depth on, and a make of a test would print other lines.
for _name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
    os.environ.pop(_name, None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep together what shares costly fixtures: see `tests/side_by_side.py`."""
    return scheduler(config, log)


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """A registry in memory."""
    with serving() as fake:
        yield fake


@pytest.fixture
def environment(registry: FakeRegistry, tmp_path: Path) -> dict[str, str]:
    """What a client of that registry has in its environment."""
    return {"FLEET_PLAIN_HTTP": registry.host, "DOCKER_CONFIG": str(tmp_path)}
