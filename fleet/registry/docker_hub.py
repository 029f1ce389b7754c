"""Docker Hub: one registry under three names, and the key of its login."""

NAME = "docker.io"
ALIASES = frozenset({NAME, "index.docker.io", "registry-1.docker.io"})
ADDRESS = "registry-1.docker.io"
"""The host that answers; the other names are what people and clients write."""
LOGIN_KEY = "https://index.docker.io/v1/"
"""What `docker login` keeps its login under, and asks credential helpers for."""
LIMIT_REMEDY = (
    "Docker Hub limits pulls, most of all those without a login. Run `docker login`, or wait some "
    "hours, then run again"
)


def canonical(host: str) -> str:
    """Return one name for a registry host, whichever of its names it was written by."""
    lowered = host.lower()
    return NAME if lowered in ALIASES else lowered


def address_of(host: str) -> str:
    """Return the host that answers for a registry."""
    return ADDRESS if canonical(host) == NAME else host


def login_key(host: str) -> str:
    """Return what a credential helper knows a registry's login by."""
    return LOGIN_KEY if canonical(host) == NAME else host
