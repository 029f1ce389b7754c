"""No test waits for a server to recover, and none asks one."""

from dataclasses import replace
from pathlib import Path

import pytest

from releases import __main__ as program
from releases.pypi import File
from releases.sources import Sources
from tests.releases.following import DECLARED, declare
from tests.releases.listing import recorded_cycles, recorded_files
from tests.releases.outside import Outside


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with a declaration that follows releases."""
    declare(tmp_path, DECLARED)
    return tmp_path


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Outside:
    """Real lists of releases, and an index that resolves whatever is asked."""
    found = Outside(platforms=("linux/amd64",))

    def listed(package: str) -> tuple[File, ...]:
        real = package in ("gunicorn", "uvicorn")
        return recorded_files(package) if real else found.files(package)

    def sources(*_: object) -> Sources:
        return replace(found.sources(), files=listed)

    monkeypatch.setattr(program, "of_the_internet", sources)
    monkeypatch.setattr(program, "cycles", lambda _: recorded_cycles())
    return found
