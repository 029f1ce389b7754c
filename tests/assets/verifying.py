"""Loads the verification's modules, which are plain files of a build context."""

from __future__ import annotations

import contextlib
import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

VERIFY = Path(__file__).parents[2] / "assets" / "python-gunicorn-uvicorn" / "verify"


@contextlib.contextmanager
def verification() -> Iterator[None]:
    """Make the modules importable by their plain names, and forget them afterwards."""
    names = {file.stem for file in VERIFY.glob("*.py")}
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.path.insert(0, str(VERIFY))
    try:
        yield
    finally:
        sys.path.remove(str(VERIFY))
        sys.dont_write_bytecode = before
        for name in names:
            sys.modules.pop(name, None)


def load(name: str) -> ModuleType:
    """One module of the verification; only inside `verification`."""
    return importlib.import_module(name)
