"""Binaries for tests: those that `make up` uses, built into the user's cache where they lack."""

import functools
import os
import shutil
import tempfile
from pathlib import Path

from fleet.local.paths import Checkout, checkout
from fleet.local.toolchain import gobuild, modules, pulumi_installer

ROOT = Path(__file__).parents[2]


@functools.cache
def registry_binary() -> Path:
    """Return distribution's binary."""
    here = checkout(ROOT)
    gobuild.ensure(here, [modules.REGISTRY])
    return gobuild.place(here, modules.REGISTRY) / "registry"


@functools.cache
def engine_folder() -> Path:
    """Return a folder with `pulumi` and its Python language host side by side."""
    here = checkout(ROOT)
    return pulumi_installer.on_path(here) or pulumi_installer.installed(here) or _built(here)


def _built(here: Checkout) -> Path:
    wanted = [modules.PULUMI, modules.LANGUAGE_PYTHON]
    gobuild.ensure(here, wanted)
    key = "-".join(gobuild.place(here, module).name for module in wanted)
    folder = here.cache / "tests" / key
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent))
        for module in wanted:
            for binary in gobuild.place(here, module).iterdir():
                _link(binary, made / binary.name)
        try:
            made.rename(folder)
        except OSError:  # another run was first
            shutil.rmtree(made)
    return folder


def _link(source: Path, target: Path) -> None:
    # Hard links: the engine warns of a language host that lies beside another path than its own.
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
