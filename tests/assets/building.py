"""Runs the steps that fetch, compile and install, on files that are made here."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.assets import backend
from tests.assets.starting import ASSETS

PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "{}"\n'
FOLDERS = [str(ASSETS / "shared/image" / folder) for folder in ("building", "compiling")]
# The step, the constants of modules, and the words of the command line.
RUN = """
import importlib, json, pathlib, sys
folders, step, constants, where, paths = json.loads(sys.argv[1])
sys.path[:0] = folders
for module, name, value in constants:
    value = pathlib.Path(value) if isinstance(value, str) else value
    setattr(importlib.import_module(module), name, value)
importlib.import_module(step).main(where, *map(pathlib.Path, paths))
"""
AMD64 = "linux/amd64"


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that prints nothing."""

    def log_message(self, *_: object) -> None:
        pass


@dataclass(kw_only=True)
class Building:
    """The steps below `root`, run by `python`; `offered` is what the server at `address` has."""

    root: Path
    address: str
    python: str = sys.executable

    def __post_init__(self) -> None:
        import installer  # noqa: PLC0415 - no other test of the assets needs it

        self.offered = self.root / "offered"
        self.offered.mkdir()
        self.constants: list[tuple[str, str, Any]] = [
            ("files", "CACHE", str(self.root / "cache")),
            ("files", "TRIES", 1),
        ]
        packed = self.offered / f"installer-{installer.__version__}-py3-none-any.whl"
        package = Path(installer.__file__).parent
        with zipfile.ZipFile(packed, "w") as archive:
            for path in package.rglob("*.py"):
                archive.write(path, path.relative_to(package.parent))
        self.environ = {"INSTALLER": self.reference(packed)}

    def install(self, *lines: str, out: str = "out", where: str = "any", **environ: str) -> Path:
        """Install; return the root."""
        words = [self.text(*lines), self.root / "wheels", self.root / out]
        self.must(self.start("install", where, *words, **environ))
        return self.root / out

    def fetch(self, compiled: str, build: str = "", where: str = AMD64) -> Path:
        words = [self.text(compiled), self.text(build), self.root / "fetched"]
        self.must(self.start("fetch", where, *words))
        return self.root / "fetched"

    def compile(self, compiled: str, build: str, out: str = "wheels", where: str = AMD64) -> Path:
        words = [self.text(compiled), self.text(build), self.root / "fetched", self.root / out]
        work = ("compile", "WORK", str(self.root / "work"))
        self.must(self.start("compile", where, *words, constant=work))
        return self.root / out

    def start(
        self, step: str, where: str, *paths: Path, constant: Any = None, **environ: str
    ) -> subprocess.Popen[str]:
        constants = [*self.constants, *([constant] if constant else [])]
        # The module `compile` is there in the compiling step alone.
        told = json.dumps([FOLDERS, step, constants, where, list(map(str, paths))])
        return subprocess.Popen(
            [self.python, "-B", "-c", RUN, told],
            env={**os.environ, "NO_PROXY": "127.0.0.1", **self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def must(self, run: subprocess.Popen[str]) -> None:
        output, _ = run.communicate(timeout=120)
        if run.returncode:
            raise AssertionError(output)

    def text(self, *lines: str) -> Path:
        """Write lines to a file of their own; return its path."""
        text = "".join(f"{line}\n" for line in lines)
        path = self.root / f"{hashlib.sha256(text.encode()).hexdigest()[:8]}.txt"
        path.write_text(text)
        return path

    def reference(self, path: Path) -> str:
        return f"{self.address}/{path.name}#sha256={digest(path)}"

    def wheel(self, name: str, files: dict[str, str] | None = None, **more: str) -> str:
        """Offer a wheel; return its reference."""
        files = {f"{name}.py": ""} if files is None else files
        version = more.pop("version", "1.0")
        return self.reference(backend.write_wheel(self.offered, name, version, files, **more))

    def backend(self, name: str = "backend") -> str:
        """Offer the wheel of a build backend; return its reference."""
        return self.wheel(name, {f"{name}.py": Path(backend.__file__).read_text("utf-8")})

    def source(self, name: str, built_by: str, **modules: str) -> str:
        """Offer a source that `built_by` builds; return what a line says of it."""
        folder = self.root / "packed" / f"{name}-1.0"
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(PYPROJECT.format(built_by))
        (folder / "source.txt").write_text(f"{name} 1.0")
        (folder / "PKG-INFO").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        for module, text in modules.items():
            (folder / f"{module}.py").write_text(text)
        path = self.offered / f"{name}-1.0.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            archive.add(folder, folder.name)
        return f"{name} @ {self.reference(path)}"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def layer(root: Path) -> dict[str, tuple[int, float, bytes]]:
    """Return what of a folder gets into a layer: modes, dates and contents, by path."""
    return {
        str(path.relative_to(root)): (
            path.stat().st_mode,
            path.stat().st_mtime,
            b"" if path.is_dir() else path.read_bytes(),
        )
        for path in (root, *root.rglob("*"))
    }


def site_of(root: Path) -> Path:
    (site,) = root.glob("usr/local/lib/python3.*/site-packages")
    return site


def oldest_python() -> str:
    """Return the oldest Python of this machine that an image may have; it may be this one."""
    for minor in range(7, sys.version_info.minor):
        found = shutil.which(f"python3.{minor}")
        for path in (found, *Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3")):
            # What is on the path may only stand for others.
            if (
                path
                and not subprocess.run([path, "-V"], capture_output=True, check=False).returncode
            ):
                return str(path)
    return sys.executable
