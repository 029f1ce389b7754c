"""Gunicorn's settings in this image, from the weakest word to the strongest:

the image's defaults, the application's gunicorn.conf.py (or what -c names), GUNICORN_CMD_ARGS, then
HOST, PORT, WORKERS and LOG_LEVEL where they are given, and GUNICORN_EXTRA_FLAGS.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from gunicorn import config
from gunicorn.app.base import Application
from gunicorn.config import Config
from gunicorn.util import parse_address

HERE = Path(__file__).parent
DEFAULT_FILE = "gunicorn.conf.py"
# Of what start.sh makes the flag.
VARIABLES = {"bind": "HOST, PORT", "workers": "WORKERS", "loglevel": "LOG_LEVEL"}


def settings(
    words: list[str], environ: Mapping[str, str], load: Callable[[str], ModuleType]
) -> dict[str, Any]:
    """Return the settings beneath the flags ``words``, which end in this image's -c and the module.

    ``load`` loads a module that lies beside this one. Prints one line for each setting of the
    application's that a variable overrides. Raises SystemExit with one line for what can't work.
    """
    parser = Config().parser()
    flags = parser.parse_args(words[:-3])
    of_variable = parser.parse_args(shlex.split(environ.get("GUNICORN_CMD_ARGS", "")))
    place, own = application_settings(flags.config or of_variable.config)
    for line in overridden(flags, {"GUNICORN_CMD_ARGS": given(of_variable), place: own}):
        note(line)
    stronger = {**own, **given(of_variable), **given(flags)}
    made = {**defaults(environ), **control_socket(stronger), **own}
    check_ports(stronger.get("bind", made["bind"]), load, environ)
    if "worker_tmp_dir" not in stronger:
        check_temporary()
    # An image whose applications are not for gunicorn's own worker classes brings one.
    if (HERE / "worker.py").exists():
        found, lines = load("worker").settings(stronger.get("worker_class"), environ, load)
        made |= found
        for line in lines:
            note(line)
    return made


def given(flags: Namespace) -> dict[str, Any]:
    """Return what these flags say; what they do not is None in them."""
    return {name: value for name, value in vars(flags).items() if value is not None}


def application_settings(named: str | None) -> tuple[str, dict[str, Any]]:
    """Return where the application's own settings are, and these; as gunicorn looks for them."""
    place = named or (DEFAULT_FILE if Path(DEFAULT_FILE).exists() else "")
    if not place:
        return place, {}
    reader = Application.__new__(Application)
    if place.startswith("python:"):
        found = reader.get_config_from_module_name(place.removeprefix("python:"))
    elif Path(file := place.removeprefix("file:")).is_file():
        found = reader.get_config_from_filename(file)
    else:
        fail(f"{file}, which -c or --config names, is not a file; correct it")
    return place, {name: value for name, value in found.items() if not name.startswith("__")}


def defaults(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what holds where nobody says anything; WEB_CONCURRENCY is gunicorn's own variable."""
    return {"bind": ["0.0.0.0:80"], "workers": int(environ.get("WEB_CONCURRENCY") or 4)}


def overridden(flags: Namespace, sources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each setting in these sources that the flags of start.sh override."""
    lines = []
    for source, values in sources.items():
        for name, variables in VARIABLES.items():
            wins = getattr(flags, name)
            if wins is None or name not in values or listed(values[name]) == listed(wins):
                continue
            lines.append(
                f"{name} {shown(values[name])} of {source} is not used: {shown(wins)} wins"
                f" ({variables} or GUNICORN_EXTRA_FLAGS)"
            )
        if values.get("wsgi_app"):
            found = f"wsgi_app {values['wsgi_app']} of {source}"
            lines.append(f"{found} is not used: give it as APP_MODULE")
    return lines


def listed(value: Any) -> list[str]:
    """Return one way to write a value that may be a number, a word, or a list of words."""
    words = value if isinstance(value, (list, tuple)) else str(value).split(",")
    return [str(word).strip().lower() for word in words]


def shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, (list, tuple)) else str(value)


def control_socket(stronger: Mapping[str, Any]) -> dict[str, Any]:
    """Leave gunicorn's control socket out where its folder can't be made."""
    setting = getattr(config, "ControlSocket", None)
    if setting is None or {"control_socket", "control_socket_disable"} & set(stronger):
        return {}
    folder = Path(setting.default).parent
    # Unlike Path.exists, this is not an error below a folder that may not be entered.
    while not os.path.exists(folder):  # noqa: PTH110
        folder = folder.parent
    return {} if os.access(folder, os.W_OK | os.X_OK) else {"control_socket_disable": True}


def check_ports(bind: Any, load: Callable[[str], ModuleType], environ: Mapping[str, str]) -> None:
    """End where the kernel lets this user not listen on one of the ports."""
    if environ.get("LISTEN_FDS") or environ.get("GUNICORN_FD"):
        return
    for address in bind.split(",") if isinstance(bind, str) else bind:
        try:
            parts = parse_address(address.strip())
        except (RuntimeError, ValueError):  # gunicorn's to tell
            continue
        if isinstance(parts, tuple) and parts[0] != "fd":
            problem = load("start_checks").check_port(parts[0], str(parts[1]))
            if problem:
                fail(problem)


def check_temporary() -> None:
    """End where no file can be made at all: gunicorn's workers show in one that they live."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        fail(
            "gunicorn needs a folder for temporary files; mount one that can be written to at /tmp"
        )


def note(line: str) -> None:
    print(f"start.sh: {line}", file=sys.stderr, flush=True)


def fail(line: str) -> Any:
    sys.exit(f"start.sh: {line}")
