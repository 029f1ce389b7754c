"""Gitea, built from its Go module: a forge whose packages are a registry of images."""

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from fleet.local.paths import checkout
from fleet.local.toolchain import gobuild, golang
from tests.engine.registries import wait_for_registry
from tests.engine.tools import ROOT
from tests.go_modules import TEST_GITEA
from tests.ports import free_port

OWNER, PASSWORD = "team", "of-a-test-1"
LOGIN = f"Basic {base64.b64encode(f'{OWNER}:{PASSWORD}'.encode()).decode()}"
_START_SECONDS = 120
_SETTINGS = """\
RUN_MODE = prod
WORK_PATH = {folder}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
DISABLE_SSH = true
OFFLINE_MODE = true
STATIC_ROOT_PATH = {folder}/static
[database]
DB_TYPE = sqlite3
[security]
INSTALL_LOCK = true
SECRET_KEY = of a test
INTERNAL_TOKEN = of-a-test
[indexer]
ISSUE_INDEXER_TYPE = db
[cron]
ENABLED = false
"""


@contextmanager
def running_gitea() -> Iterator[str]:
    """Run Gitea with a user `OWNER`; yield its `address:port`.

    It runs in a folder of its own under /tmp, and not as root, which it refuses to be.
    """
    with tempfile.TemporaryDirectory(prefix="gitea-") as name:
        folder, port = Path(name), str(free_port())
        settings = folder / "app.ini"
        settings.write_text(_SETTINGS.format(folder=folder, port=port))
        program = _laid_out(folder)
        with (folder / "log").open("ab") as log:
            process = _started(folder, [program, "web", "-c", settings], log.fileno())
            try:
                wait_for_registry(
                    process,
                    f"127.0.0.1:{port}",
                    folder / "log",
                    status=httpx.codes.UNAUTHORIZED,
                    seconds=_START_SECONDS,
                )
                user = ["--username", OWNER, "--password", PASSWORD, "--email", "a@example.org"]
                words: list[str | Path] = [
                    program,
                    "admin",
                    "user",
                    "create",
                    "-c",
                    settings,
                    *user,
                ]
                words.append("--must-change-password=false")
                assert _started(folder, words, log.fileno()).wait() == 0, folder / "log"
                yield f"127.0.0.1:{port}"
            finally:
                process.kill()
                process.wait()


def _laid_out(folder: Path) -> Path:
    """Copy the program, and what its module has beside it, to where its user can read it."""
    here, module = checkout(ROOT), TEST_GITEA
    gobuild.ensure(here, [module])
    go = golang.require([module.name])
    found = subprocess.run(
        [str(go), "list", "-m", "-f", "{{.Dir}}", module.packages[0]],
        cwd=ROOT / "toolchain" / module.name, env=golang.environment(),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for part in ("options", "public", "templates"):
        shutil.copytree(Path(found.stdout.strip()) / part, folder / "static" / part)
    program = shutil.copy(gobuild.place(here, module) / "gitea", folder / "gitea")
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, "nobody", "nogroup")
    return Path(program)


def _started(folder: Path, argv: list[str | Path], log: int) -> "subprocess.Popen[bytes]":
    env = {"HOME": str(folder), "USER": "nobody", "PATH": os.environ["PATH"]}
    is_root = os.geteuid() == 0
    return subprocess.Popen(
        argv,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        user="nobody" if is_root else None,
        group="nogroup" if is_root else None,
        extra_groups=() if is_root else None,
    )
