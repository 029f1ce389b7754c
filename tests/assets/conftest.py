"""Fixtures of the image assets' tests."""

from __future__ import annotations

import sys
import tempfile
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.assets.building import Building, Quiet, oldest_python
from tests.assets.starting import IMAGES, Container
from tests.assets.verifying import SERVER, load, verification

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# The second may have to be installed.
@pytest.fixture(params=["sh", pytest.param("ash", marks=pytest.mark.integration)])
def shell(request: pytest.FixtureRequest) -> str:
    """Each shell that a base may bring: Debian's, and alpine's."""
    return str(request.param)


def prepared(root: Path, shell: str, image: str) -> Container:
    """A container of this image with an application `main`."""
    made = Container(root=root, shell=shell, image=image)
    made.prepare()
    return made


@pytest.fixture(params=IMAGES)
def container(tmp_path: Path, shell: str, request: pytest.FixtureRequest) -> Container:
    """A container of each image."""
    return prepared(tmp_path, shell, request.param)


@pytest.fixture
def uvicorn(tmp_path: Path, shell: str) -> Container:
    return prepared(tmp_path, shell, "python-uvicorn")


@pytest.fixture
def gunicorn(tmp_path: Path, shell: str) -> Container:
    return prepared(tmp_path, shell, "python-gunicorn")


@pytest.fixture
def gunicorn_uvicorn(tmp_path: Path, shell: str) -> Container:
    return prepared(tmp_path, shell, "python-gunicorn-uvicorn")


@pytest.fixture
def verification_modules() -> Iterator[None]:
    """The modules of a verification."""
    with verification():
        yield


@pytest.fixture
def report() -> Any:
    """The report of a test that uses the modules of a verification."""
    return load("report").Report()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed distributions that holds `sample` 1.0 with the command `sample`."""
    info = tmp_path / "sample-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sample\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[console_scripts]\nsample = sample:main\n")
    (info / "RECORD").write_text("sample/__init__.py,,\nsample-1.0.dist-info/METADATA,,\n")
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "__init__.py").write_text("")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


@pytest.fixture
def stub_server(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The modules of a verification, with `SERVER` in place of the start script."""
    script = tmp_path / "start.sh"
    script.write_text(SERVER)
    script.chmod(0o755)
    with verification():
        monkeypatch.setattr(load("server"), "START_SCRIPT", str(script))
        monkeypatch.setattr(load("serving"), "APP", tmp_path)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("outputs")))
        yield


@pytest.fixture
def building(tmp_path: Path) -> Iterator[Building]:
    """The steps of builds, with a server on loopback in place of an index."""
    handler = partial(Quiet, directory=str(tmp_path / "offered"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Building(root=tmp_path, address=f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(params=["this", "oldest"])
def any_python(building: Building, request: pytest.FixtureRequest) -> Building:
    """The same, run by this Python and by the oldest one of this machine."""
    if request.param == "oldest":
        building.python = oldest_python()
    return building
