"""No test waits for a server to recover, and none asks one."""

from dataclasses import replace
from pathlib import Path

import pytest

from fleet.releases import commands as program
from fleet.releases.pypi.pypi import File
from fleet.releases.sources import Sources
from tests.fleet.releases.following import DECLARED, declare
from tests.fleet.releases.listing import recorded_cycles, recorded_files, recorded_releases
from tests.fleet.releases.outside import Outside

_REAL = ("gunicorn", "uvicorn")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with a declaration that follows releases."""
    declare(tmp_path, DECLARED)
    return tmp_path


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Outside:
    """Real lists of releases, and an index that resolves whatever is asked."""
    found = Outside(platforms=("linux/amd64",))
    made_up = found.release

    def listed(package: str) -> tuple[File, ...]:
        return recorded_files(package) if package in _REAL else found.files(package)

    def release(pin: str) -> tuple[File, ...]:
        name, _, version = pin.partition("==")
        return recorded_releases(name)[version].files if name in _REAL else made_up(pin)

    def sources(*_: object, **__: object) -> Sources:
        return replace(found.sources(), files=listed)

    monkeypatch.setattr(found, "release", release)
    monkeypatch.setattr(program, "of_the_internet", sources)
    monkeypatch.setattr(program, "cycles", lambda _: recorded_cycles())
    return found
