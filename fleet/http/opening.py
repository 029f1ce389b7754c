"""The one way to open a client: which certificates are trusted, and which way requests go."""

import functools
import os
import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from urllib.request import getproxies

import httpx

from fleet.http.addresses import LOOPBACK
from fleet.http.errors import HttpError
from fleet.http.failures import describe

TRUST = "SSL_CERT_FILE"
"""The variable that names the trusted authorities, as for Go programs, uv and OpenSSL."""

_AGENT = "image-fleet/0.1"


def open_http(*, connections: int | None = 10, bundle: Path | None = None) -> httpx.AsyncClient:
    """Return a client that trusts `bundle`, or else `SSL_CERT_FILE`, or else the system's bundle.

    No more than `connections` are open at once; with None, whoever asks bounds their number.
    Proxies are those of HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY; what is on this machine
    is always asked directly. No cookie is ever kept, and no redirect followed.

    :raises HttpError: if the bundle cannot be read, or a proxy's address is malformed.
    """
    context = _trust(str(bundle or os.environ.get(TRUST, "")))
    named = [address.lower() for scheme, address in getproxies().items() if scheme != "no"]
    if any(address.startswith("https://") for address in named):
        # httpx would check the proxy's own certificate against another bundle than ours.
        raise HttpError(
            "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY is an https:// address; write http://host:port, "
            "because a proxy is spoken to in plain HTTP (what goes through its tunnel is TLS)"
        )
    direct: dict[str, httpx.AsyncBaseTransport | None] = {f"all://{h}": None for h in LOOPBACK}
    try:
        return httpx.AsyncClient(
            verify=context,
            timeout=httpx.Timeout(60.0, connect=10.0),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            mounts=direct,
            headers={"User-Agent": _AGENT},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )
    except (httpx.InvalidURL, ValueError, ImportError) as error:
        # Without the value: a proxy's address often holds a password.
        raise HttpError(
            f"HTTPS_PROXY, HTTP_PROXY or ALL_PROXY is not the address of an HTTP proxy "
            f"({describe(error)}); write http://host:port"
        ) from None


@functools.cache
def _trust(bundle: str) -> ssl.SSLContext:
    # httpx's own default would trust the bundle of certifi instead of the system's. Reading a
    # bundle takes longer than many requests: once per process.
    try:
        return ssl.create_default_context(cafile=bundle or None)
    except OSError as error:
        raise HttpError(
            f"{TRUST}: the trusted certificates in {bundle} cannot be read ({describe(error)}); "
            "name a file with certificates in PEM"
        ) from None
