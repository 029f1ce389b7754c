"""Checks that what is installed can be imported, on the platform that it is installed for."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TextIO

from distributions import recorded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from report import Report

# For one distribution; emulated platforms take seconds on a loaded builder.
IMPORT_SECONDS = 120
HERE = Path(__file__).parent


def check_imports(names: Iterable[str], report: Report) -> None:
    """Import the modules of every distribution, and name those distributions where that fails.

    Another start of Python would take a second under emulation, so this process forks: what a
    module does when it is imported, and a crash of it, stays in the fork.
    """
    modules = {name: top_modules(name) for name in names}
    seen, ended = forked({name: found for name, found in modules.items() if found})
    for name, found in modules.items():
        if name in seen:
            report.equal(f"{name} can be imported", [], seen[name])
        elif found:
            report.fail(f"{name} can be imported", ", ".join(found), ended)
            return  # it took the others with it, which no one tried


def top_modules(name: str) -> list[str]:
    """Return the outermost modules and packages of a distribution, by its RECORD.

    What lies deeper may need what is not installed, or act when it is imported.
    """
    installed = metadata.distributions(name=name)
    files = [file for package in installed for file in recorded(package)]
    found = {module for file in files if (module := _module(file)) is not None}
    packages = {parts for parts, is_package in found if is_package}
    top = {
        parts
        for parts, is_package in found
        if (is_package or len(parts) == 1)
        and not any(parts[:depth] in packages for depth in range(1, len(parts)))
    }
    return sorted(".".join(parts) for parts in top)


def _module(file: PurePosixPath) -> tuple[tuple[str, ...], bool] | None:
    """Return the name of the module in a file, and whether it is a package; None for no module."""
    if file.suffix not in {".py", ".so"}:
        return None
    parts = (*file.parts[:-1], file.name.partition(".")[0])
    is_package = parts[-1] == "__init__" and len(parts) > 1
    if is_package:
        parts = parts[:-1]
    return (parts, is_package) if all(map(str.isidentifier, parts)) else None


def forked(modules: dict[str, list[str]]) -> tuple[dict[str, list[str]], str]:
    """Import in a fork; return the problems of each distribution that it got to, and its end."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.close(reading)
            with os.fdopen(writing, "w") as out:
                _import_all(modules, out)
            status = 0
        finally:
            # Neither threads nor exit handlers of what was imported can hold it up.
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as lines:
        seen = dict(json.loads(line) for line in lines)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return seen, f"the process was ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return seen, f"the process ended with status {os.WEXITSTATUS(status)}"


def _import_all(modules: dict[str, list[str]], out: TextIO) -> None:
    """Write a line for each distribution once its modules are imported."""
    _forget_own_modules()
    for name, found in modules.items():
        signal.alarm(IMPORT_SECONDS)
        problems = [problem for module in found if (problem := import_error(module))]
        print(json.dumps([name, problems]), file=out, flush=True)


def _forget_own_modules() -> None:
    """Let no module of the verification be taken for one of the image's."""
    sys.path[:] = [entry for entry in sys.path if Path(entry) != HERE]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name != "__main__" and file and Path(file).parent == HERE:
            del sys.modules[name]


def import_error(module: str) -> str | None:
    """Return why a module can't be imported, or None when it can.

    One that says of itself that it is not there is not meant to be: PyYAML's `_yaml` does so where
    PyYAML was built without libyaml, as on platforms without a wheel. If it is Python that finds no
    module in a file, such as one for another platform, the error has the module's name.
    """
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None and str(error) == f"No module named {module!r}":
            return None
        return f"{module}: {type(error).__name__}: {error}"
    except BaseException as error:  # noqa: BLE001 - also a module that exits
        return f"{module}: {type(error).__name__}: {error}"
    return None
