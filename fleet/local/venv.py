"""The virtual environment, made from a lock with hashes; another lock or Python makes it again.

``python3 fleet/local/venv.py [--dev]`` runs before anything is installed: the standard library
alone, in words that Pythons too old for the project still parse, so that they can say so.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

_OLDEST = (3, 11)
_LOCK, _DEV_LOCK, _STAMP = "requirements.lock", "requirements-dev.lock", ".lock.stamp"
# No path is written into it, so that the checkout may be moved; and PYTHONPATH, which every program
# that a command starts would inherit, is left as it is.
_COMMAND = """\
#!/bin/sh
# `python -m fleet` of this checkout, from any folder; written by fleet/local/venv.py.
bin=$(dirname "$(readlink -f "$0")")
exec "$bin/python" -P -c '
import sys
sys.path.insert(0, sys.argv.pop(1))
from fleet.cli.main import main
sys.exit(main(sys.argv[1:]))
' "$bin/../.." "$@"
"""


def ensure(root: Path, *, dev: bool) -> None:
    """Have ``root/.venv`` hold what the lock names, and the command ``fleet``.

    With ``dev``, it also holds the development tools. The development lock names all of the other,
    so one install serves both. Where another environment can't be made, the old one is back in its
    place.

    :raises subprocess.CalledProcessError: when pip fails; it says why on stderr.
    """
    _have_packages(root, root / ".venv", dev=dev)
    # Also in an environment that is whole: one of an earlier release has no command, or another.
    command = root / ".venv" / "bin" / "fleet"
    if not command.exists() or command.read_text() != _COMMAND:
        _write_command(command)


def _write_command(command: Path) -> None:
    # Whole at once: two runs may be at it.
    new = command.with_name(f".fleet.{os.getpid()}")
    try:
        new.write_text(_COMMAND)
        new.chmod(0o755)
        new.replace(command)
    except OSError as error:
        # Somebody else's environment serves all the same: no target of make needs the command.
        print(f"venv: {command} can't be written: {error.strerror}", file=sys.stderr)


def _have_packages(root: Path, venv: Path, *, dev: bool) -> None:
    lock = root / (_DEV_LOCK if dev else _LOCK)
    old, python = venv.with_name(".venv.old"), venv / "bin" / "python"
    # An upgrade of the system may take the Python. pip comes last into a new environment: one
    # without it was interrupted.
    is_whole = python.exists() and (venv / "bin" / "pip").exists()
    installed = (venv / _STAMP).read_text() if is_whole and (venv / _STAMP).exists() else ""
    if installed in (_current(lock), _current(root / _DEV_LOCK)):
        return
    if not is_whole or installed not in ("", _current(root / _LOCK)):
        # What an older lock named and this one does not would linger.
        print("venv: making it again", file=sys.stderr)
        _remove(old if is_whole else venv)
        if is_whole:
            # Not made beside it and moved: the scripts of an environment name its path.
            venv.rename(old)
    try:
        _install(venv, lock)
    except BaseException:
        if old.exists():  # with it, what runs can be stopped
            _remove(venv)
            old.rename(venv)
        raise
    _remove(old)


def _install(venv: Path, lock: Path) -> None:
    print(f"venv: installing {lock.name} ...", file=sys.stderr)
    begin = time.monotonic()
    python, stamp = venv / "bin" / "python", venv / _STAMP
    stamp.unlink(missing_ok=True)
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Wheels alone: a source distribution would be built here, by whatever it brings along.
    words = ["--only-binary=:all:", "--require-hashes", "-r", str(lock)]
    subprocess.run([*pip, *words], check=True)
    stamp.write_text(_current(lock))
    print(f"venv: installing {lock.name}: {time.monotonic() - begin:.0f} s", file=sys.stderr)


def _remove(folder: Path) -> None:
    """Remove an environment; one that is removed in part is never taken for whole."""
    (folder / _STAMP).unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)


def _current(lock: Path) -> str:
    """Return what decides the content: the lock, and the feature release that it is for."""
    python = ".".join(map(str, sys.version_info[:2]))
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()} python{python}"


def main(arguments: list[str]) -> int:
    """Return 0 when the environment is there, else 1 with the reason on stderr."""
    if sys.version_info < _OLDEST:
        wanted, seen = ".".join(map(str, _OLDEST)), sys.version.split()[0]
        remedy = "Name another one: make PYTHON=/path/to/python3"
        print(f"error: Python {wanted} or newer is needed, not {seen}. {remedy}", file=sys.stderr)
        return 1
    try:
        ensure(Path(__file__).resolve().parents[2], dev="--dev" in arguments)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"error: the virtual environment was not made: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
