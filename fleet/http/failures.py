"""Failures of the HTTP library as errors of our own.

The library's text is never passed on: it quotes headers, and with them tokens. An error is
described by its type, and by the operating system's words where it comes from there.
"""

import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from fleet.http.errors import DeadlineError, HttpError, ReadableError, UnreachableError
from fleet.http.text import one_line

# What a request is made of: the server was not asked, and asking again changes nothing.
_OF_THE_REQUEST = (
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    UnicodeError,
)
# OpenSSL's reasons where the first bytes of an answer are not TLS; later versions have the second.
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"})


@contextmanager
def failures(place: str, deadline: float) -> Iterator[None]:
    """Turn whatever is raised inside into an error of this package; its own pass.

    :raises DeadlineError: for what took longer than `deadline` seconds.
    :raises UnreachableError: where the connection failed.
    :raises HttpError: for everything else.
    """
    # Never `from error`: a traceback would show the library's text.
    try:
        yield
    except ReadableError:
        raise
    except (TimeoutError, httpx.TimeoutException):
        raise DeadlineError(
            f"{place}: no complete answer within {deadline:g} s; "
            "check the server and the network, then run again"
        ) from None
    except _OF_THE_REQUEST as error:
        raise HttpError(
            f"{place}: the request cannot be sent ({describe(error)}); check the address, and that "
            "no user name, password or token holds a line break or another control character"
        ) from None
    except (httpx.TransportError, OSError) as error:
        if _is_plain(error):
            raise UnreachableError(
                f"{place}: the server answers without TLS ({describe(error)}); correct the address "
                "or its port, or name a registry that speaks plain HTTP in FLEET_PLAIN_HTTP "
                "(docs/network.md)"
            ) from None
        raise UnreachableError(
            f"{place}: the connection failed ({describe(error)}); check that the server runs, that "
            "its certificate is trusted (SSL_CERT_FILE) and the proxy (HTTPS_PROXY, NO_PROXY)"
        ) from None
    except Exception as error:  # noqa: BLE001 - a transport may raise anything, and none may escape
        raise HttpError(
            f"{place}: the answer cannot be read ({describe(error)}); check the server"
        ) from None


def describe(error: BaseException) -> str:
    """Return the type of an error, and the operating system's words for its cause."""
    name = type(error).__name__
    words = _words_of_the_system(error)
    if isinstance(error, httpx.ProxyError) and (status := re.match(r"\d{3}\b", str(error))):
        words = f"the proxy answered {status[0]}"
    return f"{name}: {words}" if words else name


def _words_of_the_system(error: BaseException) -> str:
    found = _of_the_system(error)
    if isinstance(found, ssl.SSLError | socket.gaierror) and found.strerror:
        return one_line(found.strerror)
    return os.strerror(found.errno) if found and found.errno else ""


def _is_plain(error: BaseException) -> bool:
    """Tell whether what was to be TLS began with something else, such as an answer over HTTP."""
    found = _of_the_system(error)
    return isinstance(found, ssl.SSLError) and found.reason in _NO_TLS


def _of_the_system(error: BaseException) -> OSError | None:
    """Return the error of the operating system or of TLS that is behind ``error``."""
    if isinstance(error, BaseExceptionGroup):
        return _of_the_system(error.exceptions[0])
    if isinstance(error, OSError) and error.errno:
        return error
    cause = error.__cause__ or error.__context__
    return _of_the_system(cause) if cause else None
