"""Programs that need none of the caller's secrets, and the environment that they get."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from fleet.declaration.tags import EMBEDDED_HOSTS

SEARCH_PATH = ("/usr/sbin", "/sbin")
"""Folders of the system's own tools, which are not on every PATH: runc, update-binfmts."""

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
"""Variables that name proxies; most programs know them in lower case, too."""

_KEPT = (
    "APT_CONFIG", "HOME", "LANG", "LC_ALL", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "TZ",
    "USER",
    *PROXIES,
    *(name.lower() for name in PROXIES),
)  # fmt: skip


def direct_hosts(env: Mapping[str, str]) -> str:
    """Return a value of NO_PROXY with the hosts of ``env`` and this machine's.

    Applied to its own result, it changes nothing.
    """
    known = env.get("NO_PROXY") or env.get("no_proxy") or ""
    return ",".join(dict.fromkeys((*EMBEDDED_HOSTS, *filter(None, known.split(",")))))


def child_environment(env: Mapping[str, str] = os.environ, /, **more: str) -> dict[str, str]:
    """Return what a program of the system needs of ``env``, with ``more`` on top.

    An allow-list: a shell holds tokens and passwords, and settings that a daemon would take for its
    own (REGISTRY_HTTP_ADDR moves distribution off loopback). A proxy may have a password in its
    address; without it nothing is reached.
    """
    kept = {name: env[name] for name in _KEPT if name in env}
    entries = kept.get("PATH", os.defpath).split(os.pathsep)
    kept["PATH"] = os.pathsep.join(dict.fromkeys((*entries, *SEARCH_PATH)))
    return {**kept, **more}


def run(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, **options: Any
) -> "subprocess.CompletedProcess[str]":
    """Run ``argv`` with none of the caller's secrets, or in ``env``; return what it printed.

    Nor does it read the caller's standard input, unless ``options`` say so.
    """
    env = child_environment() if env is None else dict(env)
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run(argv, check=False, capture_output=True, text=True, env=env, **options)
