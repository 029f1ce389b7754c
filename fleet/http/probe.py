"""Asking whether a server can be reached the way that requests to it go, proxies included."""

from collections.abc import Callable

import httpx

from fleet.http.blocking import Blocking
from fleet.http.errors import HttpError, UnreachableError
from fleet.http.message import Call
from fleet.http.opening import open_http

_SECONDS = 5.0


def is_reachable(url: str, *, opened: Callable[[], httpx.AsyncClient] = open_http) -> bool:
    """Tell whether `url` answers within 5 s, whatever the answer is.

    :raises HttpError: if the certificates to trust cannot be read, or a proxy makes no sense.
    """
    with Blocking(opened=opened, deadline=_SECONDS) as client:
        try:
            client.once(Call(method="HEAD", url=url))
        except UnreachableError:
            return False
        except HttpError:
            return True
    return True
