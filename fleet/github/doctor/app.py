"""The GitHub App: that it is there, is installed on the repository, and may do what is needed."""

import base64
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fleet.console import TroubleError
from fleet.github.api import Api, ApiError
from fleet.github.doctor.finding import Finding, fail, ok
from fleet.github.render.workflows import app_permissions

CLIENT = "FLEET_APP_CLIENT_ID"
KEY = "FLEET_APP_PRIVATE_KEY"
_LEVELS = ("", "read", "write", "admin")
_MINUTES = 60


@dataclass
class App:
    """The App as the environment names it; ``number`` is known once GitHub told it."""

    client: str
    number: int | None = None


def look(
    open_api: Callable[[str], Api], repository: str, environment: Mapping[str, str], known: App
) -> Iterator[Finding]:
    """Yield what is found of the App; its key signs one token of nine minutes, here alone.

    Its number goes to ``known``.
    """
    client = environment.get(CLIENT, "")
    try:
        key = environment.get(KEY) or _file(environment.get(f"{KEY}_FILE", ""))
    except TroubleError as error:
        yield fail(f"App: {error}", f"Correct the path in {KEY}_FILE")
        return
    if not client or not key:
        yield fail(
            f"App: {CLIENT} and {KEY} (or {KEY}_FILE) are not set",
            "Register a GitHub App with the permissions in docs/github.md, install it on "
            f"{repository} alone, make a private key, and export both",
        )
        return
    try:
        with open_api(_token(client, key)) as api:
            yield from _installed(api, repository, known)
    except (ApiError, TroubleError) as error:
        yield fail(
            f"App: GitHub does not know {client} by this key: {error}",
            f"Copy the client ID from the App's page to {CLIENT}, and make a new private key there",
        )


def _installed(api: Api, repository: str, known: App) -> Iterator[Finding]:
    app = api.get("/app")
    known.number = app["id"]
    found = api.find(f"/repos/{repository}/installation")
    if found is None:
        yield fail(
            f"App: {app['slug']} is not installed on {repository}",
            f"Open {app['html_url']}, Install App, and choose {repository} alone",
        )
        return
    granted = found["permissions"]
    lacking = [
        f"{name}: {level}"
        for name, level in app_permissions().items()
        if _LEVELS.index(granted.get(name, "")) < _LEVELS.index(level)
    ]
    if lacking:
        yield fail(
            f"App: {app['slug']} lacks {', '.join(lacking)}",
            "Add these to its repository permissions, and accept them in its installation",
        )
    else:
        yield ok(f"App: {app['slug']} is installed, and may do what is needed")


def _file(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8") if name else ""
    except OSError as error:
        raise TroubleError(f"{KEY}_FILE: {name} can't be read ({error.strerror})") from error


def _token(client: str, key: str) -> str:
    """Return a JSON Web Token of the App, as GitHub wants it (RFC 7519, RS256).

    :raises TroubleError: when openssl is missing or refuses the key.
    """
    now = int(time.time())
    claims = {"iat": now - _MINUTES, "exp": now + 9 * _MINUTES, "iss": client}
    parts = (
        _encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims)
    )
    signed = ".".join(parts)
    return f"{signed}.{_encoded(_signature(signed.encode(), key))}"


def _signature(text: bytes, key: str) -> bytes:
    # By a pipe, so that the key is in no file and no argument.
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(f"{key.strip()}\n".encode())
    try:
        argv = ["openssl", "dgst", "-sha256", "-sign", f"/dev/fd/{reader}"]
        done = subprocess.run(argv, input=text, capture_output=True, check=False, pass_fds=[reader])
    except OSError as error:
        raise TroubleError(f"openssl can't be run ({error.strerror}). Install it.") from error
    finally:
        os.close(reader)
    if done.returncode:
        raise TroubleError("openssl takes the key for no RSA key in PEM")
    return done.stdout


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
