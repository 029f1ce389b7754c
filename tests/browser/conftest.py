"""What tests of pages need: Debian's Chromium, and axe-core."""

import hashlib
import io
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from fleet.local.debian import install
from fleet.local.paths import checkout
from fleet.releases.pypi.fetch import fetched, open_client
from tests.browser.chromium import Chromium

ROOT: Final = Path(__file__).parents[2]

_AXE: Final = "https://registry.npmjs.org/axe-core/-/axe-core-4.14.1.tgz"
_AXE_SHA256: Final = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder: it needs Debian, root and the network, or a Chromium."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """A Chromium; Debian's is installed where there is none."""
    install({"chromium": "chromium"})
    program = shutil.which("chromium")
    assert program, "the package chromium brings the command chromium"
    with Chromium(program, tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, downloaded once to the cache of the user."""
    kept = checkout(ROOT).cache / "axe-core" / f"{_AXE_SHA256[:16]}.tgz"
    if not kept.is_file():
        with open_client() as client:
            body = fetched(_AXE, client, largest=20_000_000)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(body)
    archive = kept.read_bytes()
    assert hashlib.sha256(archive).hexdigest() == _AXE_SHA256, f"remove {kept}"
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        found = packed.extractfile("package/axe.min.js")
        assert found
        return found.read().decode()
