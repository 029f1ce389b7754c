"""The login of the registry on this machine: made once per checkout, and given to no build.

A build step of the embedded builder has this machine's network, and so reaches the registry.
Without a login it could move and delete every tag.
"""

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fleet.local import private_files
from fleet.local.paths import Checkout

USERNAME = "fleet"
REALM = "fleet"

# The registry checks the hash at every request. The work that makes guessing slow is of no use
# here, because nobody guesses 256 random bits; four is the least that bcrypt takes.
_ROUNDS = 4


@dataclass(frozen=True, kw_only=True)
class Login:
    """A user name and a password, which is never part of a repr."""

    username: str
    password: str = field(repr=False)

    @property
    def pair(self) -> str:
        """The two as Docker's configuration and the header Authorization have them (RFC 7617)."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


def ensure(checkout: Checkout) -> Login:
    """Return the login of this checkout's registry; make it, and the registry's side, if absent."""
    checkout.make_state()
    path = checkout.auth / "password"
    password = _read(path)
    if not password:
        password = secrets.token_urlsafe(32)
        private_files.write(path, password)
    table = htpasswd(checkout)
    if not _admits(_read(table), password):
        private_files.write(table, f"{USERNAME}:{_hash(password)}\n")
    return Login(username=USERNAME, password=password)


def htpasswd(checkout: Checkout) -> Path:
    """Return the file that the registry checks a login against."""
    return checkout.auth / "htpasswd"


def docker_auths(login: Login, port: int) -> Mapping[str, Mapping[str, str]]:
    """Return the entries of Docker's configuration for the registry on ``port``."""
    return {f"{name}:{port}": {"auth": login.pair} for name in ("localhost", "127.0.0.1")}


def _read(path: Path) -> str:
    """Return the text of a file of ours, nothing where others could have read or written it."""
    try:
        found = path.stat()
        return (
            path.read_text() if found.st_uid == os.geteuid() and not found.st_mode & 0o077 else ""
        )
    except (OSError, ValueError):
        return ""


def _hash(password: str) -> str:
    # Imported here: `make down` works in an environment of an older lock, which may not have it.
    import bcrypt  # noqa: PLC0415

    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(_ROUNDS)).decode()


def _admits(table: str, password: str) -> bool:
    import bcrypt  # noqa: PLC0415 - as above

    username, _, digest = table.strip().partition(":")
    try:
        return username == USERNAME and bcrypt.checkpw(password.encode(), digest.encode())
    except ValueError:
        return False
