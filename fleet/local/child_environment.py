"""The environment of a program that needs none of the caller's secrets."""

import os
from collections.abc import Mapping

SEARCH_PATH = ("/usr/sbin", "/sbin")
"""Folders of the system's own tools, which are not on every PATH: runc, update-binfmts."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
_KEPT = (
    "APT_CONFIG", "HOME", "LANG", "LC_ALL", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "TZ",
    "USER",
    *_PROXIES,
    *(name.lower() for name in _PROXIES),
)  # fmt: skip


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
