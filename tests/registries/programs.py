"""Registries that others wrote: olareg (regclient's), the one of go-containerregistry, and Gitea.

They run as programs on loopback, built from their Go modules as the program's own tools are.
"""

import functools
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from fleet.local.paths import checkout
from fleet.local.toolchain import gobuild
from tests.engine.registries import wait_for_registry
from tests.engine.tools import ROOT
from tests.go_modules import TEST_REGISTRIES
from tests.ports import free_port
from tests.registries.front import fronting
from tests.registries.gitea import LOGIN, running_gitea

Program = Literal["olareg", "go-containerregistry", "gitea"]
PROGRAMS: Final[tuple[Program, ...]] = ("olareg", "go-containerregistry")
"""Those that every test runs on; Gitea takes minutes to build."""


@functools.cache
def _binaries() -> Path:
    here = checkout(ROOT)
    gobuild.ensure(here, [TEST_REGISTRIES])
    return gobuild.place(here, TEST_REGISTRIES)


def _command(program: Program, port: str) -> list[str]:
    if program == "go-containerregistry":
        return [str(_binaries() / "registry"), "-port", port]
    return [
        str(_binaries() / "olareg"), "serve", "--addr", "127.0.0.1", "--port", port,
        "--store-type", "mem", "--api-delete",
    ]  # fmt: skip


@contextmanager
def running_program(program: Program, folder: Path) -> Iterator[str]:
    """Run a registry of a program, which keeps nothing afterwards; yield its `address:port`.

    Whoever asks Gitea there has its owner's login.
    """
    if program == "gitea":
        with running_gitea() as host, fronting(host) as front:
            front.login = LOGIN
            yield front.host
        return
    folder.mkdir(parents=True, exist_ok=True)
    port = str(free_port())
    log = folder / "registry.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            _command(program, port),
            env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        host = f"localhost:{port}"
        wait_for_registry(process, host, log)
        yield host
    finally:
        process.kill()
        process.wait()
