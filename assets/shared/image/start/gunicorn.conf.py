"""What start.sh has gunicorn read: this image's defaults beneath the application's own settings."""

from __future__ import annotations

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


def _load(name: str) -> ModuleType:
    """Load a module that lies beside this file; its name is one that no application has."""
    spec = spec_from_file_location(f"start_sh_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None  # noqa: S101 - lies in the image
    assert spec.loader is not None  # noqa: S101
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Once: this file is read again at each SIGHUP.
if "start_sh_forks" not in sys.modules:
    _load("forks")
_settings = _load("gunicorn_settings")
globals().update(_settings.settings(sys.argv[1:], dict(os.environ), _load))
