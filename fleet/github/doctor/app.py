"""The GitHub App: that it is there, is installed on the repository, and may do what is needed."""

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fleet.console import TroubleError
from fleet.github.api import Api
from fleet.github.doctor.finding import Finding, fail, ok
from fleet.github.render.workflows import app_permissions
from fleet.http.errors import HttpError

CLIENT = "FLEET_APP_CLIENT_ID"
KEY = "FLEET_APP_PRIVATE_KEY"
_LEVELS = ("", "read", "write", "admin")
_MINUTES = 60


def look(
    open_api: Callable[[str], Api], repository: str, environment: Mapping[str, str]
) -> tuple[Finding, int | None]:
    """Return what is found of the App, and its number if GitHub knows it.

    Its key signs one token of nine minutes, here alone.
    """
    client, key = environment.get(CLIENT, ""), environment.get(KEY, "")
    if not client or not key:
        missing = fail(
            f"App: {CLIENT} and {KEY} are not set",
            "Register a GitHub App with the permissions in docs/github.md, install it on "
            f"{repository} alone, make a private key, and export both",
        )
        return missing, None
    try:
        with open_api(_token(client, key)) as api:
            app = api.get("/app")
            installed = api.find(f"/repos/{repository}/installation")
    except (HttpError, TroubleError) as error:
        unknown = fail(
            f"App: GitHub does not know {client} by this key: {error}",
            f"Copy the client ID from the App's page to {CLIENT}, and make a new private key there",
        )
        return unknown, None
    return _installed(app, installed, repository), app["id"]


def _installed(app: Mapping[str, Any], found: Any, repository: str) -> Finding:
    if found is None:
        return fail(
            f"App: {app['slug']} is not installed on {repository}",
            f"Open {app['html_url']}, Install App, and choose {repository} alone",
        )
    granted = found["permissions"]
    missing = [
        f"{name}: {level}"
        for name, level in app_permissions().items()
        if _LEVELS.index(granted.get(name, "")) < _LEVELS.index(level)
    ]
    if missing:
        return fail(
            f"App: {app['slug']} lacks {', '.join(missing)}",
            "Add these to its repository permissions, and accept them in its installation",
        )
    return ok(f"App: {app['slug']} is installed, and may do what is needed")


def _token(client: str, key: str) -> str:
    """Return a JSON Web Token of the App, as GitHub wants it (RFC 7519, RS256).

    :raises TroubleError: when the key is not of that kind.
    """
    now = int(time.time())
    claims = {"iat": now - _MINUTES, "exp": now + 9 * _MINUTES, "iss": client}
    parts = (
        _encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims)
    )
    signed = ".".join(parts)
    return f"{signed}.{_encoded(_signature(signed.encode(), key))}"


def _signature(text: bytes, key: str) -> bytes:
    try:
        private = load_pem_private_key(key.strip().encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, RSAPrivateKey):
        raise TroubleError(
            "the App's key is not valid: expected an RSA private key in PEM, not encrypted"
        )
    return private.sign(text, PKCS1v15(), SHA256())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
