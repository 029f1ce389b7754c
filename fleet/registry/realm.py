"""Token servers: which one a registry may name for the credentials that are meant for it."""

import ipaddress
from urllib.parse import SplitResult, urlsplit

from fleet.http.addresses import is_loopback
from fleet.registry.errors import AuthenticationError

_LABELS = 2


def require_realm(origin: str, realm: str) -> str:
    """Return `realm` if the registry at `origin` (`scheme://host[:port]`) may name it.

    A registry can name any address as its token server, and gets there whatever is sent to it. So
    TLS is never given up; a token server is on the registry's own host, or shares its last two
    labels (registry-1.docker.io and auth.docker.io); this machine and addresses by number are
    themselves alone.

    :raises AuthenticationError: if the realm is not one of these.
    """
    called, named = urlsplit(origin), _split(realm)
    fault = "is not an address" if named is None else _fault(called, named)
    if fault:
        raise AuthenticationError(
            f"{origin}: the registry names the token server {realm!r}, which {fault}. Expected one "
            "on the registry's own domain, with https://. Nothing was sent to it. Check the "
            "registry's address and its configuration"
        )
    return realm


def _split(realm: str) -> SplitResult | None:
    try:
        named = urlsplit(realm)
        valid = bool(named.hostname) and (named.port is None or named.port > 0)
    except ValueError:
        return None
    return named if valid and realm.isascii() and realm.isprintable() and " " not in realm else None


def _fault(called: SplitResult, named: SplitResult) -> str:
    if named.scheme != "https" and (named.scheme, called.scheme) != ("http", "http"):
        return "has no https://"
    if named.username is not None or named.password is not None:
        return "has a user name in it"
    here, there = called.hostname or "", named.hostname or ""
    local = is_loopback(named.netloc)
    if here == there or (is_loopback(called.netloc) and local):
        return ""
    if local:
        return "is this machine itself"
    if _is_address(here) or _is_address(there) or _domain(here) != _domain(there):
        return "belongs to another domain"
    return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _domain(host: str) -> str:
    labels = host.removesuffix(".").split(".")
    # A name of one label has no domain that it could share.
    return host if len(labels) < _LABELS else ".".join(labels[-_LABELS:])
