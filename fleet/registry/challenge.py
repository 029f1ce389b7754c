"""Challenges of a registry (RFC 9110, section 11.6.1), and the token servers that they may name."""

import functools
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from fleet.http.addresses import is_loopback, resolve
from fleet.http.errors import HttpError
from fleet.registry.errors import AuthenticationError

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the grammar of RFC 9110, section 5.6.2
# A parameter, else a scheme, which stands alone, before a token68 (RFC 9110, section 11.2), or
# before its first parameter. A bare value may be an address here, and the next parameter follow
# without a comma: some do so.
_ITEM = re.compile(
    rf"""[\s,]*(?:
        (?P<name>{_TOKEN})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s,"=][^\s,"]*))
        | (?P<scheme>{_TOKEN})(?:[ \t]+[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|\Z))?
    )(?=[\s,]|\Z)""",
    re.VERBOSE,
)
_QUOTED_PAIR = re.compile(r"\\(.)")


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """One challenge: its scheme and the names of its parameters in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Return every challenge of the WWW-Authenticate headers, in their order.

    What follows the first malformed part of a header is not read: whatever it names could belong to
    another challenge.
    """
    return tuple(challenge for header in headers for challenge in _parse(header))


def _parse(header: str) -> list[Challenge]:
    found: list[tuple[str, dict[str, str]]] = []
    position = 0
    while item := _ITEM.match(header, position):
        if item["scheme"]:
            found.append((item["scheme"].lower(), {}))
        elif found:
            quoted = item["quoted"]
            value = item["bare"] if quoted is None else _QUOTED_PAIR.sub(r"\1", quoted)
            found[-1][1].setdefault(item["name"].lower(), value)
        else:
            break
        position = item.end()
    return [Challenge(scheme=scheme, parameters=values) for scheme, values in found]


def require_realm(url: str, realm: str, declared: str = "") -> str:
    """Return the address of a token server if the registry that was asked at `url` may name it.

    A registry can name any address as its token server, and gets there whatever is sent to it. So
    TLS is never given up; a token server is on the registry's own host, on `declared`, or on the
    domain that somebody registered for both (registry-1.docker.io and auth.docker.io), which the
    Public Suffix List tells; this machine and addresses by number are themselves alone.

    :raises AuthenticationError: if the realm is not one of these.
    """
    called = urlsplit(url)
    place = f"{called.scheme}://{called.netloc}"
    target, fault = "", "it is not an address"
    # A relative one is none: `Bearer realm="registry"` names no token server.
    if "://" in realm:
        try:
            target = resolve(url, realm, place)
            there = urlsplit(target).hostname or ""
            fault = "" if there == declared else _fault(called.hostname or "", there)
        except HttpError as error:
            fault = str(error)
    if fault:
        raise AuthenticationError(
            f"{place}: the token server {realm!r} is not asked: {fault}. Expected one on the "
            "registry's own domain, with https://. Nothing was sent to it.\nCheck the registry's "
            "address and its configuration. If its token server is elsewhere, name that host as "
            "realm in fleet:logins"
        )
    return target


def _fault(here: str, there: str) -> str:
    local = is_loopback(f"[{there}]" if ":" in there else there)
    if here == there or (local and is_loopback(f"[{here}]" if ":" in here else here)):
        return ""
    if local:
        return "it is this machine itself"
    if _is_address(here) or _is_address(there) or not _share_domain(here, there):
        return "it belongs to another domain"
    return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _share_domain(here: str, there: str) -> bool:
    domain = _suffixes().privatesuffix(here)
    # A public suffix (co.uk, github.io) and a name of one label have no domain to share.
    return domain is not None and domain == _suffixes().privatesuffix(there)


@functools.cache
def _suffixes() -> PublicSuffixList:
    # Reading the list takes longer than many requests: once per process, and only if it is needed.
    return PublicSuffixList()
