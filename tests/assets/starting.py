"""Runs the start scripts here, with commands in place of the servers that tell their words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fleet.local import debian

ASSETS = Path(__file__).parents[2] / "assets"
IMAGES = ("python-uvicorn", "python-gunicorn", "python-gunicorn-uvicorn")
# Each prints its own name, its words and the environment that it was given.
STUB = """#!/bin/sh
for word in "${0##*/}" "$@"; do printf 'word %s\\n' "$word"; done
env | sed 's/^/env /'
"""


@dataclass(frozen=True, kw_only=True)
class Start:
    """The end of a start: its status, the server's words and environment, and the errors."""

    status: int
    words: list[str]
    environ: dict[str, str]
    errors: str

    @property
    def server(self) -> str:
        """The command that start.sh became."""
        return self.words[0]

    @property
    def address(self) -> str:
        """The address that the server is given, as `host:port`."""
        if self.server == "gunicorn":
            return self.option("--bind")  # only where HOST or PORT was given
        return f"{self.option('--host')}:{self.option('--port')}"

    def option(self, name: str) -> str:
        """The word that follows this option, which must be there exactly once."""
        assert self.words.count(name) == 1, self.words
        return self.words[self.words.index(name) + 1]


@dataclass(frozen=True, kw_only=True)
class Container:
    """A folder that stands for the container of an image.

    `app/` stands for /app, `bin/` holds the servers, `lib/` what start.sh sources and runs.
    """

    root: Path
    shell: str
    image: str

    @property
    def lib(self) -> Path:
        return self.root / "lib"

    @property
    def app(self) -> Path:
        return self.root / "app"

    def prepare(self) -> None:
        """Create the folders, the stub servers and an application `main`."""
        self.app.mkdir()
        for assets in ("shared", self.image):
            start = ASSETS / assets / "image" / "start"
            if start.is_dir():
                shutil.copytree(start, self.lib, dirs_exist_ok=True)
        (self.root / "bin").mkdir()
        if self.shell == "ash":
            self._bring_busybox()
        for script in self.lib.glob("*.sh"):
            script.write_text(script.read_text("utf-8").replace("/bin/sh", self._shell), "utf-8")
        for server in ("gunicorn", "uvicorn"):
            stub = self.root / "bin" / server
            stub.write_text(STUB, encoding="utf-8")
            stub.chmod(0o755)
        shutil.copy(ASSETS / self.image / "image/main.py", self.lib / "example.py")
        self.write("main.py", "app = None\n")

    @property
    def _shell(self) -> str:
        return str(shutil.which(self.shell, path=f"{self.root / 'bin'}:{os.environ['PATH']}"))

    def _bring_busybox(self) -> None:
        """Take the shell and the commands of alpine in place of those of this machine."""
        debian.install({"busybox": "busybox"})
        busybox = str(shutil.which("busybox"))
        for command in ("ash", "cat", "env", "grep", "printf", "sed", "tr"):
            (self.root / "bin" / command).symlink_to(busybox)

    def write(self, name: str, text: str) -> Path:
        """Write a file under /app."""
        path = self.app / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def script(self) -> Path:
        """The start script of the image."""
        return ASSETS / self.image / "image" / "start.sh"

    def start(self, **settings: str) -> Start:
        """Run start.sh with these variables in an otherwise bare environment."""
        return self.run(self.script, settings)

    def run(self, script: Path, settings: dict[str, str]) -> Start:
        """Run a script in the same way."""
        run = subprocess.run(
            [self._shell, str(script)],
            env={
                "PATH": f"{self.root / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
                "START_SH_TEST_APP": str(self.app),
                "START_SH_TEST_LIB": str(self.lib),
                "START_SH_TEST_SCRIPT": str(self.script),
                "PYTHONDONTWRITEBYTECODE": "1",
                **settings,
            },
            cwd=self.app,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        lines = run.stdout.splitlines()
        told = [line.removeprefix("env ") for line in lines if line.startswith("env ")]
        return Start(
            status=run.returncode,
            words=[line.removeprefix("word ") for line in lines if line.startswith("word ")],
            environ=dict(line.split("=", 1) for line in told if "=" in line),
            errors=run.stderr,
        )
