"""What holds for every test."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.providers.ociregistry.registry_fake import FakeRegistry, serving
from tests.side_by_side import ROOMS, scheduler

_HERE = Path(__file__).parent

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


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the rooms without an integration test where those alone are asked for.

    To read all files takes ten seconds, and each worker does it.
    """
    if not str(config.getoption("markexpr")).startswith("integration"):
        return None
    rooms = [_HERE / room for room in ROOMS]
    leads_there = any(
        room.is_relative_to(collection_path) or collection_path.is_relative_to(room)
        for room in rooms
    )
    return None if leads_there else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse an integration test in another room: it would not be found."""
    for item in items:
        room = item.path.parent.relative_to(_HERE).as_posix()
        if room not in ROOMS and item.get_closest_marker("integration"):
            raise pytest.UsageError(f"{item.nodeid}: add {room} to ROOMS in tests/side_by_side.py")


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
    """Return the environment of a client of that registry."""
    return {"FLEET_PLAIN_HTTP": registry.host, "DOCKER_CONFIG": str(tmp_path)}
