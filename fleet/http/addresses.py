"""Addresses that servers name: resolved, checked, and compared by their origin."""

import ipaddress
from urllib.parse import urljoin, urlsplit

import httpx

from fleet.http.errors import HttpError
from fleet.http.text import one_line

_PORTS = {"https": 443, "http": 80}


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an address (RFC 6454)."""
    parsed = httpx.URL(url)
    return parsed.scheme, parsed.host.lower(), parsed.port or _PORTS.get(parsed.scheme, 0)


def same_origin(one: str, other: str) -> bool:
    """Tell whether two addresses have the same scheme, host and port; a malformed one never."""
    try:
        return origin(one) == origin(other)
    except (httpx.InvalidURL, ValueError):
        return False


def resolve(base: str, location: str, place: str) -> str:
    """Return the absolute address that a server at `base` named in `location`.

    :raises HttpError: if it is not an address of HTTP, carries a user name, or leads from https
        down to http, where everyone on the way could read and change what is sent.
    """
    shown = one_line(location.partition("?")[0], 200)
    try:
        target = httpx.URL(base).join(location)
        # httpx checks neither the range of a port nor the brackets of an address.
        port = urlsplit(urljoin(base, location)).port
    except (httpx.InvalidURL, ValueError):
        raise HttpError(f"{place}: the server names {shown!r}, which is not an address") from None
    if target.scheme not in _PORTS or not target.host or port == 0:
        raise HttpError(f"{place}: the server names {shown!r}, which is not an address of HTTP")
    if target.userinfo:
        raise HttpError(f"{place}: the server names an address with a user name in it; refused")
    if target.scheme == "http" and httpx.URL(base).scheme == "https":
        raise HttpError(f"{place}: the server leads from https to {shown!r}; refused")
    return str(target.copy_with(fragment=None))


def next_page(headers: httpx.Headers, address: str) -> str:
    """Return where the page after that at `address` is (RFC 8288), '' after the last one.

    :raises HttpError: as `resolve` does, and if it is on another origin, which must get no
        credential.
    """
    link = httpx.Response(200, headers=headers).links.get("next", {}).get("url", "")
    target = resolve(address, link, f"GET {address}") if link else ""
    if target and not same_origin(target, address):
        raise HttpError(f"GET {address}: the list continues on another host; refused")
    return target


LOOPBACK = ("localhost", "*.localhost", "127.0.0.1", "[::1]")
"""The hosts of `is_loopback` as httpx matches them: it has no pattern for the rest of 127/8."""


def is_loopback(host: str) -> bool:
    """Tell whether `host[:port]` is this machine, so that nobody else ever reached it."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        # RFC 6761 section 6.3: such a name never leaves the machine.
        return name == "localhost" or name.endswith(".localhost")
