"""UVICORN_EXTRA_FLAGS as settings of `uvicorn.Config`, read by uvicorn's own command line.

Called as a program, it prints the names of uvicorn's variables that are set, which this image does
not read, and says so on standard error.
"""

from __future__ import annotations

import inspect
import os
import shlex
import sys
from collections.abc import Mapping
from typing import Any

# gunicorn owns the socket, the processes and the log; uvicorn's words for them would do nothing.
OWNED_BY_GUNICORN = {
    "host": "use HOST",
    "port": "use PORT",
    "uds": "use --bind unix:PATH in GUNICORN_EXTRA_FLAGS",
    "fd": "use --bind fd://N in GUNICORN_EXTRA_FLAGS",
    "workers": "use WORKERS",
    "app_dir": "use --pythonpath in GUNICORN_EXTRA_FLAGS",
    "reload": "use RELOAD=true",
    "reload_dirs": "it needs RELOAD=true",
    "reload_includes": "it needs RELOAD=true",
    "reload_excludes": "it needs RELOAD=true",
    "reload_delay": "it needs RELOAD=true",
    "use_colors": "gunicorn's log has no colours",
    "timeout_worker_healthcheck": "use --timeout in GUNICORN_EXTRA_FLAGS",
}


class FlagError(ValueError):
    """UVICORN_EXTRA_FLAGS holds a flag that uvicorn rejects or that has no effect here."""


def config_settings(flags: str) -> dict[str, Any]:
    """Return the `uvicorn.Config` arguments that the given flags set, and no defaults.

    Raises `FlagError` for flags that uvicorn does not know, and for those that have no effect in a
    gunicorn worker, each with what to use instead.
    """
    if not flags.strip():
        return {}
    given = _parse(flags)
    problems = [problem for name, value in given.items() if (problem := _problem(name, value))]
    if problems:
        raise FlagError("; ".join(problems))
    if "headers" in given:
        given["headers"] = [header.split(":", 1) for header in given["headers"]]
    return given


def _parse(flags: str) -> dict[str, Any]:
    import click  # noqa: PLC0415 - a worker without extra flags need not pay for the command line
    from click.core import ParameterSource  # noqa: PLC0415
    from uvicorn.main import main as command  # noqa: PLC0415

    try:
        # The application is a required argument of the command; its value is dropped again. The
        # flags alone: of a Kubernetes service `uvicorn` there is a UVICORN_PORT=tcp://10.0.0.1:80.
        words = [*shlex.split(flags), "main:app"]
        context = command.make_context("uvicorn", words, auto_envvar_prefix=None)
    except click.exceptions.Exit:
        raise FlagError("--help and --version start no server; remove them") from None
    except click.ClickException as error:
        raise FlagError(error.format_message()) from None
    except ValueError as error:
        raise FlagError(f"{error}; check the quotes") from None
    typed = ParameterSource.COMMANDLINE
    return {
        name: value
        for name, value in context.params.items()
        if name != "app" and context.get_parameter_source(name) is typed
    }


def _problem(name: str, value: object) -> str | None:
    """Say why this setting would do nothing in a gunicorn worker, or None when it works."""
    from uvicorn.config import Config  # noqa: PLC0415

    flag = "--" + name.replace("_", "-")
    if name in OWNED_BY_GUNICORN:
        return f"{flag} has no effect under gunicorn: {OWNED_BY_GUNICORN[name]}"
    if name == "access_log" and value:
        remedy = "use --access-logfile - in GUNICORN_EXTRA_FLAGS"
        return f"{flag} has no effect under gunicorn: {remedy}"
    if name not in inspect.signature(Config).parameters:
        return f"{flag} has no effect under gunicorn: remove it"
    return None


def variables(environ: Mapping[str, str]) -> list[str]:
    """Return the variables that uvicorn's own command line would read, and this image does not."""
    if not any(name.startswith("UVICORN_") for name in environ):
        return []
    from uvicorn.main import main as command  # noqa: PLC0415

    options = {f"UVICORN_{parameter.name}".upper() for parameter in command.params}
    return sorted(options & set(environ))


def unread(environ: Mapping[str, str]) -> list[str]:
    """Say of each such variable that it means nothing; not of a Kubernetes service's address."""
    return [
        f"{name} is not read by this image; give its flag in UVICORN_EXTRA_FLAGS"
        for name in variables(environ)
        if not environ[name].startswith(("tcp://", "udp://", "sctp://"))
    ]


if __name__ == "__main__":
    for line in unread(os.environ):
        print(f"start.sh: {line}", file=sys.stderr)
    print(*variables(os.environ))
