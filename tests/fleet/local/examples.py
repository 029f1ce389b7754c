"""A scratch checkout and needs that call for everything, so that each test changes one thing."""

import errno
import os
import shlex
import shutil
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from fleet.local.paths import Checkout
from fleet.local.requirements import Needs
from fleet.registry.docker_login import Credentials

_ROOT = Path(__file__).parents[3]
LOGIN = Credentials(username="fleet", password="of the tests")
PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7")


def checkout(folder: Path) -> Checkout:
    """A checkout below ``folder``, with a cache of its own beside it."""
    root = folder / "checkout"
    root.mkdir(exist_ok=True)
    return Checkout(root=root, cache=folder / "cache")


def declared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout that declares the stack dev."""
    here = checkout(folder)
    shutil.copy(_ROOT / "Pulumi.dev.yaml", here.root)
    shutil.copytree(_ROOT / "assets", here.root / "assets")
    monkeypatch.setenv("PYTHONPATH", f"{_ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return here


def needs(*, builders: Iterable[str] = (), **overrides: Any) -> Needs:
    """Needs of the embedded default: registry, builder, one base.

    ``builders`` are others beside it, each for all platforms.
    """
    values: dict[str, Any] = {
        "stack": "dev",
        "host": "localhost:5443",
        "port": 5443,
        "platforms": PLATFORMS,
        "built_here": overrides.get("platforms", PLATFORMS),
        "builders": dict.fromkeys(builders, PLATFORMS),
        "nodes": {},
        "bases": (("3.11", "slim"),),
        "github": False,
        **overrides,
    }
    return Needs(**values)


def closed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing below ``folder`` be reached, as by a user who may not look into it.

    These tests may run as root, whom no folder is closed to.
    """

    def refusing(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(path: Any, *args: Any, **options: Any) -> Any:
            if isinstance(path, str | Path) and folder in Path(path).parents:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return call(path, *args, **options)

        return called

    for name in ("stat", "lstat", "mkdir"):
        monkeypatch.setattr(os, name, refusing(getattr(os, name)))


def told(folder: Path, **values: str) -> None:
    """Tell the commands in ``folder`` that read ``told`` there; no variable of ours reaches them.

    What is told later wins.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "told").open("a") as file:
        file.writelines(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def command(folder: Path, name: str, script: str) -> Path:
    """A shell script ``name`` in ``folder``, to stand before a real command on PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
