"""The program that asks a build backend in a builder, with a real pip, as it is called there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.releases.lock import built_metadata
from fleet.releases.pypi.sdists import metadata_built
from tests.fleet.releases.simple import Simple

ASKED = """\
import os, pathlib
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    info = pathlib.Path(folder, "odd-1.0.dist-info")
    info.mkdir()
    seen = "; extra == 'x'" if "TOKEN" in os.environ else ""
    head = f"Metadata-Version: 2.4\\nName: odd\\nVersion: 1.0\\nRequires-Dist: dep{seen}\\n"
    (info / "METADATA").write_text(head + "Provides-Extra: x\\nRequires-Python: >=3\\n\\nText\\n")
    return info.name
def build_wheel(*_):
    raise SystemExit("it was built")
"""
HELPED = "import helper\n" + ASKED.replace("dep", "{helper.NEEDED}")


def asked(folder: Path, backend: str, *limit: str, builds: bool = False) -> Path:
    index = Simple(url="http://127.0.0.1/simple")
    index.sdist("odd", "1.0", backend=backend, builds=["helper"] if builds else [])
    given = folder / "in"
    (given / "wheels").mkdir(parents=True)
    (given / "source.tar.gz").write_bytes(index.content(index.listed("odd")[0]))
    (given / "requirements.txt").write_text("helper==1.0\n" if builds else "")
    if builds:
        index.wheel("helper", "1.0", modules={"helper.py": "NEEDED = 'dep'\n"})
        (wheel,) = index.listed("helper")
        (given / "wheels" / wheel.name).write_bytes(index.content(wheel))
    program = Path(built_metadata.__file__).with_name("ask_backend.sh")
    argv = ["sh", str(program), str(given), str(folder / "out"), *limit]
    # The Python of the tests is the one that has pip.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(argv, check=True, env={**os.environ, "PATH": path, "TOKEN": "secret"})
    return folder / "out"


@pytest.mark.parametrize("builds", [False, True])
def test_the_backend_is_asked_and_nothing_is_built(tmp_path: Path, builds: bool) -> None:
    out = asked(tmp_path, HELPED if builds else ASKED, builds=builds)
    assert [path.name for path in out.iterdir()] == ["REPORT"]
    told = metadata_built("odd-1.0.tar.gz", (out / "REPORT").read_bytes()).splitlines()
    assert told == [
        "Metadata-Version: 2.1", "Name: odd", "Version: 1.0", "Requires-Python: >=3",
        "Requires-Dist: dep", "Provides-Extra: x",
    ]  # fmt: skip


def test_the_end_of_what_a_backend_that_fails_printed_is_left(tmp_path: Path) -> None:
    out = asked(tmp_path, "print('x' * 5000)\nraise SystemExit('no such compiler')\n")
    assert [path.name for path in out.iterdir()] == ["ERROR"]
    text = (out / "ERROR").read_text()
    assert "no such compiler" in text
    assert len(text) <= 2000


def test_a_backend_that_hangs_is_ended_and_said_so(tmp_path: Path) -> None:
    out = asked(tmp_path, "import signal\nsignal.pause()\n", "3")
    assert [path.name for path in out.iterdir()] == ["ERROR"]
    assert (out / "ERROR").read_text().startswith("killed, after 3 s or for want of memory:\n")


def test_a_step_that_prints_nothing_leaves_its_status(tmp_path: Path) -> None:
    program = Path(built_metadata.__file__).with_name("ask_backend.sh")
    silent = tmp_path / "python3"
    silent.write_text("#!/bin/sh\nexit 3\n")
    silent.chmod(0o755)
    argv = ["sh", str(program), str(tmp_path), str(tmp_path / "out")]
    subprocess.run(argv, check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert (tmp_path / "out" / "ERROR").read_text() == "ended with status 3:\n"
