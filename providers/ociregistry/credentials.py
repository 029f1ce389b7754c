"""Where the registry's credentials come from: the environment, or Docker's configuration."""

import asyncio
import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from providers.ociregistry.errors import AuthenticationError

USERNAME = "FLEET_REGISTRY_USERNAME"
PASSWORD = "FLEET_REGISTRY_PASSWORD"  # noqa: S105 - the name of a variable, not its value
# docker-credential-helpers protocol: this user name marks the secret as an identity token.
_TOKEN_USER = "<token>"  # noqa: S105 - a marker of the protocol
_HELPER_DEADLINE = 30.0


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A user name with a password, or an identity token; never part of a message or a repr."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    def basic(self) -> str:
        """Return the value of a Basic Authorization header (RFC 7617)."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


async def find_credentials(host: str, environment: Mapping[str, str]) -> Credentials | None:
    """Return the credentials for a registry host, or None for anonymous access.

    The environment's pair wins over Docker's configuration; there, a credential helper wins
    over a stored pair, as in the Docker client.

    :raises AuthenticationError: if only half of the pair is set, or a helper or the
        configuration file cannot be read.
    """
    username, password = environment.get(USERNAME, ""), environment.get(PASSWORD, "")
    if bool(username) != bool(password):
        raise AuthenticationError(f"{host}: set both {USERNAME} and {PASSWORD}, or neither")
    if username:
        return Credentials(username=username, password=password)
    return await _from_docker(host, environment)


async def _from_docker(host: str, environment: Mapping[str, str]) -> Credentials | None:
    folder = environment.get("DOCKER_CONFIG") or str(Path.home() / ".docker")
    path = Path(folder) / "config.json"
    if not path.is_file():
        return None
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AuthenticationError(f"{path}: Docker's configuration cannot be read") from error
    if not isinstance(config, dict):
        raise AuthenticationError(f"{path}: Docker's configuration is no JSON object")
    helper = _mapping(config, "credHelpers").get(host) or config.get("credsStore")
    if isinstance(helper, str) and helper:
        found = await _from_helper(helper, host, environment)
        if found is not None:
            return found
    return _from_auths(_mapping(config, "auths"), host, path)


def _mapping(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = config.get(key)
    return value if isinstance(value, dict) else {}


def _from_auths(auths: Mapping[str, Any], host: str, path: Path) -> Credentials | None:
    entry = next((auths[key] for key in auths if _host_of(key) == host), None)
    if not isinstance(entry, dict):
        return None
    if entry.get("identitytoken"):
        return Credentials(identity_token=str(entry["identitytoken"]))
    if entry.get("username") and entry.get("password"):
        return Credentials(username=str(entry["username"]), password=str(entry["password"]))
    try:
        pair = base64.b64decode(str(entry.get("auth", "")), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise AuthenticationError(f"{path}: the entry of {host} is no base64 pair") from error
    username, colon, password = pair.partition(":")
    return Credentials(username=username, password=password.rstrip("\0")) if colon else None


def _host_of(key: str) -> str:
    return key.removeprefix("https://").removeprefix("http://").split("/", 1)[0]


async def _from_helper(
    helper: str, host: str, environment: Mapping[str, str]
) -> Credentials | None:
    program = f"docker-credential-{helper}"
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environment),
        )
    except OSError as error:
        raise AuthenticationError(f"{host}: {program} of Docker's config cannot be run") from error
    try:
        async with asyncio.timeout(_HELPER_DEADLINE):
            answer, _ = await process.communicate(host.encode())
    except TimeoutError as error:
        process.kill()
        raise AuthenticationError(f"{host}: {program} gave no answer") from error
    # A helper that knows no such host ends non-zero: that is anonymous access, no failure.
    return _parse_helper(answer, program) if process.returncode == 0 else None


def _parse_helper(answer: bytes, program: str) -> Credentials:
    try:
        fields = json.loads(answer)
        username, secret = str(fields["Username"]), str(fields["Secret"])
    except (ValueError, KeyError, TypeError) as error:
        # The answer itself stays out of the message, for it may hold the secret.
        raise AuthenticationError(f"{program}: the answer is malformed") from error
    if username == _TOKEN_USER:
        return Credentials(identity_token=secret)
    return Credentials(username=username, password=secret)


def plain_http_hosts(environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Return the hosts of `FLEET_PLAIN_HTTP` (comma-separated) that are spoken to without TLS."""
    listed = environment.get("FLEET_PLAIN_HTTP", "").split(",")
    return frozenset(host.strip() for host in listed if host.strip())
