"""The virtual environment, made from a lock with hashes; another lock or Python makes it again.

``python3 fleet/local/venv.py [--dev]`` runs before anything is installed: the standard library
alone, in words that Pythons too old for the project still parse, so that they can say so.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

_OLDEST = (3, 11)
_LOCKS = ("requirements.lock", "requirements-dev.lock")


def ensure(root: Path, *, dev: bool) -> None:
    """Have ``root/.venv`` hold what the lock names; with ``dev``, also the development tools.

    The development lock names all of the other, so one install serves both.

    :raises subprocess.CalledProcessError: when pip fails; it says why on stderr.
    """
    venv = root / ".venv"
    current = {name: _current(root / name) for name in _LOCKS}
    installed = {name: _stamp(venv, name) for name in _LOCKS}
    if not _is_whole(venv):
        _remove(venv)
    elif any(installed[name] == current[name] for name in (_LOCKS[1:] if dev else _LOCKS)):
        return
    elif any(installed[name] not in ("", current[name]) for name in _LOCKS):
        # What an older lock named and this one does not would linger.
        _renew(root, venv, _LOCKS[1] if dev else _LOCKS[0])
        return
    _install(root, venv, _LOCKS[1] if dev else _LOCKS[0])


def _renew(root: Path, venv: Path, lock: str) -> None:
    """Make the environment again; when that fails, the old one is back, with which to stop daemons.

    An environment can't be made beside it and moved: its scripts name its path.
    """
    old = venv.with_name(".venv.old")
    shutil.rmtree(old, ignore_errors=True)
    print("venv: making it anew", file=sys.stderr)
    venv.rename(old)
    try:
        _install(root, venv, lock)
    except BaseException:
        shutil.rmtree(venv, ignore_errors=True)
        old.rename(venv)
        raise
    shutil.rmtree(old)


def _install(root: Path, venv: Path, lock: str) -> None:
    print(f"venv: installing {lock}", file=sys.stderr)
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Wheels alone: a source distribution would be built here, by whatever it brings along.
    words = ["--only-binary=:all:", "--require-hashes", "-r", str(root / lock)]
    subprocess.run([*pip, *words], check=True)
    _stamp_file(venv, lock).write_text(_current(root / lock))


def _is_whole(venv: Path) -> bool:
    """Tell whether there is a Python, which an upgrade of the system may take, and pip.

    pip comes last into a new environment: one without it was interrupted.
    """
    return all((venv / "bin" / name).exists() for name in ("python", "pip"))


def _remove(venv: Path) -> None:
    if venv.exists():
        print("venv: making it anew", file=sys.stderr)
        shutil.rmtree(venv)


def _current(lock: Path) -> str:
    """Return what decides the content: the lock, and the feature release that it is for."""
    python = ".".join(map(str, sys.version_info[:2]))
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()} python{python}"


def _stamp_file(venv: Path, name: str) -> Path:
    return venv / f".{name}.stamp"


def _stamp(venv: Path, name: str) -> str:
    try:
        return _stamp_file(venv, name).read_text()
    except OSError:
        return ""


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
