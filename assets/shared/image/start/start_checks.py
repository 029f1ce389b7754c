"""What a start script cannot tell by itself.

Called with `module NAME`, `port HOST PORT` or `words VARIABLE VALUE`. Exits 0, or 1 with one line
on standard error that says what is wrong and what to do.
"""

from __future__ import annotations

import importlib.util
import os
import shlex
import socket
import sys


def check_module(name: str) -> str | None:
    """Return what is wrong with this module name, or None when the server can try to import it."""
    sys.path.insert(0, "")  # as the servers do
    try:
        if importlib.util.find_spec(name) is not None:
            return None
    except ModuleNotFoundError as error:
        # Only a missing parent package is ours to tell; its own failing imports are the server's.
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            return None
    except ValueError:  # an empty or a relative name
        pass
    except Exception:  # noqa: BLE001 - a parent package that fails to import: the server shows why
        return None
    return (
        f"there is no module {name!r} in the working directory or on PYTHONPATH;"
        " correct MODULE_NAME or APP_MODULE, or copy the application into the image"
    )


def check_port(host: str, port: str) -> str | None:
    """Return what to do where the kernel lets this user not listen on a port; None for the rest.

    Whatever else may be wrong with an address, the servers tell themselves.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as tried:
            tried.bind((host, int(port)))
    except PermissionError:
        return (
            f"user {os.getuid()} may not listen on port {port} here; give a port from 1024 on,"
            " such as PORT=8000"
        )
    except (OSError, OverflowError):
        return None
    return None


def print_words(variable: str, value: str) -> str | None:
    """Print the words of a command line, each quoted for the shell; return what is wrong."""
    try:
        print(shlex.join(shlex.split(value)))
    except ValueError as error:
        return f"{variable}: {error}; check the quotes"
    return None


CHECKS = {"module": check_module, "port": check_port, "words": print_words}

if __name__ == "__main__":
    problem = CHECKS[sys.argv[1]](*sys.argv[2:])
    if problem:
        sys.exit(f"start.sh: {problem}")
