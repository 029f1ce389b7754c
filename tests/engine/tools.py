"""Binaries for tests: those that `make up` uses, built into the user's cache where they lack."""

import functools
from pathlib import Path

from fleet.local.paths import checkout
from fleet.local.toolchain import archives, gobuild, modules
from fleet.local.toolchain.system_binaries import on_path

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
    here, engine = checkout(ROOT), modules.PULUMI
    if found := on_path(here, engine) or archives.unpacked(here, engine):
        return found
    gobuild.ensure(here, [engine])
    return gobuild.place(here, engine)
