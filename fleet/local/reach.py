"""Paths outside of the checkout: what lies in a folder that is closed to this user is not there.

`Path.exists` and its like raise an error for that before Python 3.14.
"""

import os
from pathlib import Path


def exists(path: Path) -> bool:
    """Tell whether ``path`` is there, and within reach of this user."""
    return os.path.exists(path)  # noqa: PTH110


def is_file(path: Path) -> bool:
    """Tell whether ``path`` is a file that is within reach of this user."""
    return os.path.isfile(path)  # noqa: PTH113


def is_dir(path: Path) -> bool:
    """Tell whether ``path`` is a folder that is within reach of this user."""
    return os.path.isdir(path)  # noqa: PTH112


def nearest(path: Path) -> Path:
    """Return ``path``, or the folder above it that it will be made in."""
    return path if exists(path) else nearest(path.parent)
