"""One scratch checkout for all tests that need the real engine, builder and registry."""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.container import Image, Runs, unpacked
from tests.integration.family import NATIVE, TAGS, brought_up, by_platform
from tests.integration.registry_view import RegistryView
from tests.integration.workshop import ROOT, Workshop


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, so that the fast ones can be run without them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def shares_python(tmp_path_factory: pytest.TempPathFactory) -> bool:
    """Tell whether another worker has a workshop with a Python environment of its own.

    One is made as users make it, with what the program asks for and no tool for development. It
    takes a minute, so that the others work with that of the tests, which has the same and more.
    """
    stamp = Path(sys.prefix) / ".lock.stamp"
    lock = hashlib.sha256((ROOT / "requirements-dev.lock").read_bytes()).hexdigest()
    of_make = stamp.exists() and stamp.read_text().startswith(lock)
    if "PYTEST_XDIST_WORKER" not in os.environ or not of_make:
        return False
    try:
        (tmp_path_factory.getbasetemp().parent / "own-python").touch(exist_ok=False)
    except FileExistsError:
        return True
    return False


@pytest.fixture(scope="session")
def workshop(shares_python: bool) -> Iterator[Workshop]:
    """A scratch checkout; what it started is stopped and its data removed at the end.

    ``FLEET_WORKSHOP`` names a folder to keep from one run to the next, for work on one test.
    """
    kept = os.environ.get("FLEET_WORKSHOP")
    # Not pytest's own folder: sockets live below it, and their paths have 108 bytes at most.
    folder = Path(kept) if kept else Path(tempfile.mkdtemp(prefix="fleet-"))
    made = Workshop(folder, shares_python=shares_python and not kept)
    try:
        yield made
    finally:
        if kept:
            made.make("down")
        else:
            made.make("clean")
            assert not (folder / ".fleet").exists(), "clean leaves nothing of it"
            shutil.rmtree(folder)


@pytest.fixture
def registry(workshop: Workshop) -> Iterator[RegistryView]:
    """The public repository; afterwards the shipped declaration is written again."""
    view = workshop.view()
    yield view
    view.close()
    workshop.declare()


@pytest.fixture(scope="session")
def family(workshop: Workshop) -> Iterator[dict[str, RegistryView]]:
    """The repositories of the stack of three images, brought up once."""
    with brought_up(workshop) as views:
        yield views


@pytest.fixture(scope="session")
def images(
    family: dict[str, RegistryView], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Image]]:
    """The three images for this machine's own platform, unpacked once."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                unpacked(by_platform(family[name], tag)[NATIVE], tmp_path_factory.mktemp(name))
            )
            for name, tag in TAGS.items()
        }


@pytest.fixture
def run(images: dict[str, Image], tmp_path: Path) -> Runs:
    """Return what starts one of the three images by its name, with the options of a run."""
    return Runs(images, tmp_path)
