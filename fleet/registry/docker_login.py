"""Credentials, and those of Docker's configuration: its helpers, and the logins it stores."""

import asyncio
import base64
import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.http import secret
from fleet.registry.docker_hub import canonical, login_key
from fleet.registry.errors import AuthenticationError
from fleet.registry.reference import Repository

# The path of an API, as in https://index.docker.io/v1/, and no part of a repository's name.
_API_PATHS = ("", "v1", "v2")
# docker-credential-helpers protocol: this user name marks the secret as an identity token.
_TOKEN_USER = "<token>"  # noqa: S105 - a marker of the protocol
_DEADLINE = 30.0
# The words of the protocol for a login that a helper does not have; every other failure is one.
_NOT_FOUND = b"credentials not found"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """A user name with a password, or an identity token; never part of a message or a repr."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def pair(self) -> str:
        """User name and password as Docker's configuration has them, and RFC 7617."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def basic(self) -> str:
        """Return the value of a Basic Authorization header (RFC 7617)."""
        return f"Basic {self.pair}"


def pair_of(username: str, password: str, sources: tuple[str, str]) -> Credentials:
    """Return a pair; `sources` are the names of what it was read from, for messages.

    :raises AuthenticationError: if one of them can't be sent as it is.
    """
    if ":" in username:
        # RFC 7617, section 2: what follows would count as the password.
        raise AuthenticationError(
            f"{sources[0]}: has a colon, which no user name has.\nSet the user name alone"
        )
    return Credentials(
        username=secret.password(username, sources[0]),
        password=secret.password(password, sources[1]),
    )


async def find(repository: Repository, environment: Mapping[str, str]) -> Credentials | None:
    """Return the login for a repository, None where there is none.

    A helper wins over a stored login, as in the Docker client.

    :raises AuthenticationError: if the configuration can't be read, or a helper fails.
    """
    folder = environment.get("DOCKER_CONFIG") or str(Path.home() / ".docker")
    path = Path(folder) / "config.json"
    config = _read(path)
    if config is None:
        return None
    helper = _helper(config, repository.host)
    if helper:
        found = await _ask(helper, login_key(repository.host), environment)
        if found is not None:
            return found
    return _stored(_mapping(config, "auths"), repository, path)


def of_host(config: Mapping[str, Any], host: str) -> dict[str, dict[str, Any]]:
    """Return what of Docker's configuration logs in at `host`: its logins, and its helper."""
    auths = _mapping(config, "auths")
    own = {key: entry for key, entry in auths.items() if _place(key)[0] == canonical(host)}
    helper = _helper(config, host)
    return {"auths": own, **({"credHelpers": {login_key(host): helper}} if helper else {})}


def _read(path: Path) -> Mapping[str, Any] | None:
    """Return Docker's configuration, None where there is none."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except PermissionError:
        raise AuthenticationError(
            f"{path}: Docker's configuration is closed to this user.\nSet DOCKER_CONFIG to a "
            "folder of this user"
        ) from None
    except (OSError, ValueError, RecursionError):
        # The error of the JSON module holds the text that it stumbled over.
        raise AuthenticationError(
            f"{path}: Docker's configuration can't be read, or is not JSON.\nCorrect it, or log "
            "in again with `docker login`"
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
    fitting = {
        key: len(name)
        for key, (host, name) in ((key, _place(key)) for key in auths)
        if host == canonical(repository.host)
        and (not name or f"{repository.name}/".startswith(f"{name}/"))
    }
    if not fitting:
        return None
    key = max(fitting, key=lambda one: fitting[one])
    entry = auths[key]
    source = f"{path}, the login of {key}"
    if not isinstance(entry, dict):
        raise AuthenticationError(f"{source}: is not a JSON object. Log in again")
    if entry.get("identitytoken"):
        return Credentials(identity_token=secret.token(str(entry["identitytoken"]), source))
    if entry.get("username") and entry.get("password"):
        return pair_of(str(entry["username"]), str(entry["password"]), (source, source))
    return _decoded(str(entry.get("auth") or ""), source)


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
        username, password = base64.b64decode(encoded, validate=True).decode().split(":", 1)
    except ValueError:
        raise AuthenticationError(f"{source}: is not a base64 pair. Log in again") from None
    return pair_of(username, password.rstrip("\0"), (source, source))


async def _ask(helper: str, key: str, environment: Mapping[str, str]) -> Credentials | None:
    """Return what `docker-credential-<helper>` knows for a registry, None if it has no login.

    :raises AuthenticationError: if it can't be run, fails, or gives no answer in time.
    """
    program = f"docker-credential-{helper}"
    status, answer = await _run(program, key, environment)
    if status == 0:
        return _answered(answer, f"{program}, the login of {key}")
    if _NOT_FOUND in answer.lower():
        return None
    # Its output stays out of the message, because it may hold a secret.
    raise AuthenticationError(
        f"{program}: failed for {key} (exit status {status}), so it is not known whether there is "
        f"a login. Run it by hand to see why: echo {key} | {program} get"
    )


async def _run(program: str, key: str, environment: Mapping[str, str]) -> tuple[int, bytes]:
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environment),
            # A group of its own: what the helper has started ends with it.
            start_new_session=True,
        )
    except OSError as error:
        raise AuthenticationError(
            f"{program}: can't be run ({error.strerror}). Docker's configuration names it for "
            f"{key}: install it, or take it out of the configuration"
        ) from error
    ended = False
    try:
        async with asyncio.timeout(_DEADLINE):
            answer, _ = await process.communicate(key.encode())
        ended = True
    except TimeoutError:
        raise AuthenticationError(
            f"{program}: gave no answer for {key} within {_DEADLINE:g} s. Run it by hand to see "
            f"why: echo {key} | {program} get"
        ) from None
    finally:
        if not ended:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode or 0, answer


def _answered(answer: bytes, source: str) -> Credentials | None:
    try:
        fields = json.loads(answer)
        username, password = str(fields["Username"]), str(fields["Secret"])
    except (ValueError, KeyError, TypeError, RecursionError):
        # The answer itself stays out of the message and its cause, because it may hold the secret.
        raise AuthenticationError(f"{source}: the answer is malformed") from None
    if not username and not password:
        return None
    if username == _TOKEN_USER:
        return Credentials(identity_token=secret.token(password, source))
    return pair_of(username, password, (source, source))
