"""Runs a whole verification here, against the real start script of an image.

Servers of `servers.py` take the place of gunicorn and uvicorn, and distributions without any code
that of the packages, so that a sound image passes each check and a broken one is found out.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import io
import json
import os
import platform
import re
import runpy
import shutil
import socket
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.assets.starting import ASSETS
from tests.assets.verifying import load, verification

SERVERS = {"gunicorn": "23.0.0", "uvicorn": "0.34.0"}
COMPILED = {"gevent": "24.11.1", "uvloop": "0.21.0"}
PACKAGES = {
    "python-uvicorn": ("uvicorn", "uvloop"),
    "python-gunicorn": ("gunicorn", "gevent"),
    "python-gunicorn-uvicorn": ("gunicorn", "uvicorn", "uvloop"),
}
ABSENT = "declared-absent"
PIP = """#!/bin/sh
[ "$*" = check ] && echo "No broken requirements found."
"""
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PLATFORM = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[platform.machine()]
FOREIGN = "linux/s390x"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The end of a verification: its status, the checks that held, in order, and the others."""

    status: int
    held: list[str]
    failed: list[str]
    printed: str


@dataclass(frozen=True, kw_only=True)
class Image:
    """A folder that stands for the root of an image's container."""

    name: str
    root: Path

    @property
    def local(self) -> Path:
        return self.root / "usr/local"

    @property
    def site(self) -> Path:
        return self.local / f"lib/python{PYTHON}/site-packages"

    @property
    def packages(self) -> dict[str, str]:
        """The distributions with their versions."""
        return {name: (SERVERS | COMPILED)[name] for name in PACKAGES[self.name]}

    def edit(self, file: str, old: str, new: str) -> None:
        """Change one place of a file."""
        path = self.root / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, file
        path.write_text(text.replace(old, new), "utf-8")


def installed(name: str, root: Path) -> Image:
    """Put into ``root`` what the image's Dockerfile would."""
    image = Image(name=name, root=root)
    own, shared = ASSETS / name / "image", ASSETS / "shared/image"
    for folder in (root / "app", image.site, image.local / "bin"):
        folder.mkdir(parents=True)
    for start in (shared / "start", own / "start"):
        if start.is_dir():
            shutil.copytree(start, image.local / "lib/start", dirs_exist_ok=True)
    shutil.copy(own / "main.py", root / "app")
    shutil.copy(own / "main.py", image.local / "lib/start/example.py")
    shutil.copy(own / "start.sh", root)
    (image.local / "bin/pip").write_text(PIP, "utf-8")
    (image.local / "bin/python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', "utf-8")
    for package, version in image.packages.items():
        _install(image, package, version)
    for path in (root, *root.rglob("*")):
        path.chmod(0o755)
    return image


def _install(image: Image, package: str, version: str) -> None:
    info = image.site / f"{package}-{version}.dist-info"
    info.mkdir()
    files = {"METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"}
    if package in SERVERS:
        files["entry_points.txt"] = f"[console_scripts]\n{package} = {package}:main\n"
        stub = f"{sys.executable} -P {Path(__file__).with_name('servers.py')}"
        script = f'#!/bin/sh\nexec {stub} /usr/local/bin/{package} "$@"\n'
        (image.local / "bin" / package).write_text(script, "utf-8")
    (image.site / package).mkdir()
    (image.site / package / "__init__.py").touch()
    record = "".join(f"{info.name}/{file},,\n" for file in files) + f"{package}/__init__.py,,\n"
    if package in COMPILED:
        spec = importlib.util.find_spec("_ctypes")
        assert spec is not None
        shutil.copy(str(spec.origin), image.site / package / "loop.so")
        record += f"{package}/loop.so,,\n"
    for file, text in {**files, "RECORD": record}.items():
        (info / file).write_text(text, "utf-8")


def verified(image: Image, *, whole: str = PLATFORM) -> Verdict:
    """Run the image's verification as its Dockerfile does; every check runs on ``whole``."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        _enter(image, whole, Path(folder), patch)
        with verification(image.name):
            _move(image, patch)
            status = _ended()
    printed = (out.getvalue() + err.getvalue()).replace(str(image.root), "")
    timeless = re.sub(r" \([0-9.]+ s\)(:|$)", r"\1", printed, flags=re.MULTILINE)
    return Verdict(
        status=status,
        held=re.findall(r"^ok: (.*)$", timeless, re.MULTILINE),
        failed=re.findall(r"^FAILED: (.*?): expected ", timeless, re.MULTILINE),
        printed=printed,
    )


def _ended() -> int:
    """Run the verification as the script that it is; return its exit status."""
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ASSETS / "shared/verify/verify.py"), run_name="__main__")
    assert isinstance(ended.value.code, int)
    return ended.value.code


def _enter(image: Image, whole: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Make this process see what one in the container would; ``folder`` is for what is passing."""
    # Without the folder of this Python: it has servers of its own.
    path = f"{image.local / 'bin'}:{os.defpath}"
    expect = {
        "python": PYTHON,
        "whole": [whole],
        "packages": image.packages,
        "platforms": {PLATFORM: {"absent": [ABSENT]}, FOREIGN: {}},
    }
    for name in set(os.environ):
        patch.delenv(name)
    for name, value in {
        "PATH": path,
        "PYTHONPATH": f"{image.root / 'app'}:/app",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "START_SH_TEST_APP": str(image.root / "app"),
        "START_SH_TEST_LIB": str(image.local / "lib/start"),
        "START_SH_TEST_SCRIPT": str(image.root / "start.sh"),
        "EXPECT": json.dumps(expect),
        "TARGETPLATFORM": PLATFORM,
        "SOCKETS": str(folder),
    }.items():
        patch.setenv(name, value)
    own = [entry for entry in sys.path if "site-packages" not in entry]
    patch.setattr(sys, "path", [str(image.site), *own])
    patch.chdir(image.root / "app")
    patch.setattr(Path, "cwd", lambda: Path("/app"))
    patch.setattr(sysconfig, "get_path", lambda _: f"/usr/local/lib/python{PYTHON}/site-packages")
    patch.setattr(tempfile, "tempdir", str(folder))
    patch.setattr(http.client, "HTTPConnection", _connection(folder))


def _connection(folder: Path) -> type[http.client.HTTPConnection]:
    class BySocketFile(http.client.HTTPConnection):
        """Connects to the file that is named after the port."""

        def connect(self) -> None:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(str(folder / str(self.port)))

    return BySocketFile


def _move(image: Image, patch: pytest.MonkeyPatch) -> None:
    """Have the verification look below the image's root."""
    patch.setattr(load("server"), "START_SCRIPT", str(image.root / "start.sh"))
    patch.setattr(load("serving"), "APP", image.root / "app")
    # No other user may enter a folder of pytest's.
    patch.setattr(load("settings"), "ANY_USER", 0)
    patch.setattr(load("distributions"), "USR_LOCAL", image.local)
    patch.setattr(load("distributions"), "SCRIPTS", image.local / "bin")
    checks = load("image_checks")
    places = tuple(image.root / place.relative_to("/") for place in checks.READABLE)
    patch.setattr(checks, "READABLE", places)
