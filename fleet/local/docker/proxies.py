"""The proxies of the caller's environment, for a builder that is a container."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from fleet.console import say
from fleet.http.addresses import is_loopback
from fleet.local.child_environment import PROXIES, direct_hosts


def passed_on(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that pass on the proxies of ``env``, but for those on loopback.

    There the container has an address of its own. What is asked without a proxy is the same whether
    or not the shell has what ``make env`` prints: a builder is not made again for it.
    """
    found = {name: value for name, value in _named(env) if not _is_here(value)}
    return found | (dict.fromkeys(("NO_PROXY", "no_proxy"), direct_hosts(env)) if found else {})


def report_lost(env: Mapping[str, str] = os.environ) -> None:
    """Say which proxies of ``env`` are not passed on."""
    if lost := [name for name, value in _named(env) if _is_here(value)]:
        say(
            f"docker: {', '.join(lost)} is not passed on to the builder: it names a loopback "
            "address, which in a container is the container's own"
        )


def _named(env: Mapping[str, str]) -> list[tuple[str, str]]:
    names = [name for each in PROXIES if each != "NO_PROXY" for name in (each, each.lower())]
    return [(name, env[name]) for name in names if env.get(name)]


def _is_here(proxy: str) -> bool:
    return is_loopback(urlsplit(proxy if "//" in proxy else f"//{proxy}").netloc)
