"""The login of the registry on this machine: made once per checkout, and given to no build.

A build step of the embedded builder has this machine's network, and so reaches the registry.
Without a login it could move and delete every tag.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path

from fleet.declaration.tags import EMBEDDED_HOSTS
from fleet.local import private_files
from fleet.local.paths import Checkout
from fleet.registry.docker_login import Credentials

USERNAME = "fleet"
REALM = "fleet"

# The registry checks the hash at every request. The work that makes guessing slow is of no use
# here, because nobody guesses 256 random bits; four is the least that bcrypt takes.
_ROUNDS = 4


def ensure(checkout: Checkout) -> Credentials:
    """Return the login of this checkout's registry; make it, and the registry's side, if absent."""
    checkout.make_state()
    path, table = checkout.auth / "password", htpasswd(checkout)
    kept = _read(path)
    password = kept or secrets.token_urlsafe(32)
    if not kept or not _read(table):
        # Imported here: `make down` works in an environment of an older lock, without it perhaps.
        import bcrypt  # noqa: PLC0415

        digest = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_ROUNDS)).decode()
        private_files.write(table, f"{USERNAME}:{digest}\n")
        private_files.write(path, password)
    return Credentials(username=USERNAME, password=password)


def htpasswd(checkout: Checkout) -> Path:
    """Return the file that the registry checks a login against."""
    return checkout.auth / "htpasswd"


def docker_auths(login: Credentials, port: int) -> Mapping[str, Mapping[str, str]]:
    """Return the entries of Docker's configuration for the registry on ``port``."""
    return {f"{name}:{port}": {"auth": login.pair} for name in EMBEDDED_HOSTS}


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ValueError):  # a crash may have left half of it
        return ""
