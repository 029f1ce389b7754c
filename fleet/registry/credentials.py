"""Credentials of a registry, checked where they come in."""

import base64
from dataclasses import dataclass, field

from fleet.http import secret
from fleet.registry.errors import AuthenticationError


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


def pair_of(username: str, password: str, sources: tuple[str, str]) -> Credentials:
    """Return a pair; `sources` are the names of what it was read from, for messages.

    :raises AuthenticationError: if one of them can't be sent as it is.
    """
    if ":" in username:
        # RFC 7617, section 2: what follows would count as the password.
        raise AuthenticationError(
            f"{sources[0]}: has a colon, which no user name has. Set the bare name"
        )
    return Credentials(
        username=secret.password(username, sources[0]),
        password=secret.password(password, sources[1]),
    )


def identity_token_of(token: str, source: str) -> Credentials:
    """Return an identity token that was read from `source`.

    :raises AuthenticationError: if it can't be sent as it is.
    """
    return Credentials(identity_token=secret.token(token, source))
