"""Calls of uv that run no foreign code, and in which no setting of the caller's shell counts."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from fleet.console import TroubleError
from fleet.http.text import one_line
from fleet.releases.pypi.index import undated

_SPLIT = re.compile(r" for split \(markers: .*?\)(?: cause:)?")
_UNDATED = re.compile(r"`([^`]+)` is missing an upload date")
_WHEELLESS = re.compile(r"Wheels are required for `([^`]+)`")
_DEADLINE_SECONDS = 600.0
LONGEST_REASON = 2000
"""Characters of uv's own words: a conflict of many requirements takes some hundred."""
NETWORK = (
    "PATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    *(
        name
        for lower in ("all_proxy", "http_proxy", "https_proxy", "no_proxy")
        for name in (lower, lower.upper())
    ),
)
"""Variables that say how the network is reached. None of the others reaches uv: neither tokens nor
``UV_*``, of which many change what is resolved."""


class ResolutionError(TroubleError):
    """The index could not be asked, or has no distributions that fit together."""


class NoWheelError(ResolutionError):
    """Distributions, by their ``names``, have no wheel, and nobody allowed to do without one."""

    def __init__(self, text: str, names: tuple[str, ...]) -> None:
        self.names = names
        super().__init__(text)


def compiled(
    requirements: Iterable[str], folder: Path, python: str, options: Iterable[str | Path]
) -> tuple[str, str]:
    """Return the requirements file that uv makes of ``requirements``, and what uv printed of it.

    ``folder`` is where uv runs and writes; ``found.txt`` in it may hold pins that uv keeps to.

    :raises ResolutionError: with uv's own reason.
    :raises NoWheelError: when that is for want of a wheel.
    """
    # uv is to leave other systems and Pythons out: what fits nowhere else would be an error.
    linux = (
        "sys_platform == 'linux' and platform_system == 'Linux' and os_name == 'posix'"
        " and platform_python_implementation == 'CPython' and implementation_name == 'cpython'"
        f" and python_version == '{python}'"
    )
    (folder / "pyproject.toml").write_text(f'[tool.uv]\nenvironments = ["{linux}"]\n')
    found = folder / "found.txt"
    # A user's uv keeps what it built in its cache.
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "image-fleet" / "uv"
    argv: list[str | Path] = [
        Path(sys.executable).with_name("uv"), "pip", "compile", "-", "--color=never", "--universal",
        # A source distribution is asked for its requirements by running its build backend, as who
        # calls this, on this machine. The variable UV_NO_BUILD has no effect on this command.
        "--no-build",
        "--generate-hashes", "--no-header", "--no-annotate",
        # Without --python, uv looks through the machine for a Python of that version first.
        "--python-version", python, "--python", sys.executable, "--no-python-downloads",
        "--output-file", found, "--cache-dir", cache, *options,
    ]  # fmt: skip
    try:
        done = subprocess.run(
            argv, input="\n".join(requirements), capture_output=True, text=True, errors="replace",
            check=False, timeout=_DEADLINE_SECONDS, cwd=folder, env=environment(folder),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ResolutionError(f"uv failed: {error}") from None
    for name in _UNDATED.findall(done.stderr):
        raise ResolutionError(undated(name))
    if done.returncode:
        why = reason(done.stderr) or f"uv ended with {done.returncode}"
        if wheelless := sorted({one_line(name) for name in _WHEELLESS.findall(done.stderr)}):
            raise NoWheelError(why, tuple(wheelless))
        raise ResolutionError(why)
    return found.read_text(), done.stderr


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of uv, in which ``folder`` stands for all settings and logins.

    uv finds empty settings there for the user's and the machine's: what is resolved must not hang
    on who resolves it. ``--no-config`` would also hide the project's settings, which name the
    environments.
    """
    (folder / "uv").mkdir(exist_ok=True)
    (folder / "uv" / "uv.toml").touch()
    own = {
        "HOME": str(folder),
        "NETRC": os.devnull,
        "TMPDIR": str(folder),
        "XDG_CONFIG_DIRS": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }
    return {name: os.environ[name] for name in NETWORK if name in os.environ} | own


def reason(stderr: str) -> str:
    """Return uv's own words in one line, without what it says of a project that is not there.

    Warnings come before the error.
    """
    stderr = stderr[max(0, f"\n{stderr}".find("\nerror: ")) :]
    words = " ".join(stderr.split()).partition(" hint: ")[0].removeprefix("error: ")
    # uv quotes what the index says.
    return one_line(_SPLIT.sub(":", words).rstrip("."), LONGEST_REASON)
