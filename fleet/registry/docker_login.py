"""Credentials of Docker's configuration: its credential helpers, and the logins it stores."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fleet.registry import credential_helper
from fleet.registry.credentials import Credentials, identity_token_of, pair_of
from fleet.registry.docker_hub import canonical, login_key
from fleet.registry.errors import AuthenticationError
from fleet.registry.reference import Repository

# The path of an API, as in https://index.docker.io/v1/, and no part of a repository's name.
_API_PATHS = ("", "v1", "v2")


async def find(repository: Repository, environment: Mapping[str, str]) -> Credentials | None:
    """Return the login for a repository, None where there is none.

    A helper wins over a stored login, as in the Docker client.

    :raises AuthenticationError: if the configuration can't be read, or a helper fails.
    """
    folder = environment.get("DOCKER_CONFIG") or str(Path.home() / ".docker")
    path = Path(folder) / "config.json"
    if not path.is_file():
        return None
    config = _read(path)
    helper = _helper(config, repository.host)
    if helper:
        found = await credential_helper.ask(helper, login_key(repository.host), environment)
        if found is not None:
            return found
    return _stored(_mapping(config, "auths"), repository, path)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        # The error of the JSON module holds the text that it stumbled over.
        raise AuthenticationError(
            f"{path}: Docker's configuration can't be read, or is not JSON. Correct it, or log in "
            "again with `docker login`"
        ) from None
    if not isinstance(config, dict):
        raise AuthenticationError(f"{path}: Docker's configuration is not a JSON object")
    return config


def _mapping(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = config.get(key)
    return value if isinstance(value, dict) else {}


def _helper(config: Mapping[str, Any], host: str) -> str:
    """Return the name of the host's helper, '' where its login is stored in the file."""
    for key, helper in _mapping(config, "credHelpers").items():
        if _place(key) == (canonical(host), ""):
            return str(helper)
    return str(config.get("credsStore") or "")


def _stored(auths: Mapping[str, Any], repository: Repository, path: Path) -> Credentials | None:
    """Return the login under the longest path that the repository is below, else the host's."""
    fitting = [(len(_place(key)[1]), key) for key in _fitting(auths, repository)]
    if not fitting:
        return None
    key = max(fitting, key=lambda entry: entry[0])[1]
    entry = auths[key]
    source = f"{path}, the login of {key}"
    if not isinstance(entry, dict):
        raise AuthenticationError(f"{source}: is not a JSON object. Log in again")
    if entry.get("identitytoken"):
        return identity_token_of(str(entry["identitytoken"]), source)
    if entry.get("username") and entry.get("password"):
        return pair_of(str(entry["username"]), str(entry["password"]), (source, source))
    return _decoded(str(entry.get("auth") or ""), source)


def _fitting(auths: Mapping[str, Any], repository: Repository) -> Iterator[str]:
    for key in auths:
        host, name = _place(key)
        if host == canonical(repository.host) and f"{repository.name}/".startswith(
            f"{name}/" if name else ""
        ):
            yield key


def _place(key: str) -> tuple[str, str]:
    """Return the registry that a key is for, by its one name, and the path of repositories."""
    bare = key.removeprefix("https://").removeprefix("http://")
    host, _, rest = bare.partition("/")
    name = rest.strip("/")
    return canonical(host), "" if name in _API_PATHS else name


def _decoded(encoded: str, source: str) -> Credentials | None:
    if not encoded:
        # What a helper keeps is listed here without its secret.
        return None
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise AuthenticationError(f"{source}: is not a base64 pair. Log in again") from None
    username, colon, password = pair.partition(":")
    if not colon:
        raise AuthenticationError(f"{source}: has no colon between its two parts. Log in again")
    return pair_of(username, password.rstrip("\0"), (source, source))
