"""What the jobs of the workflows are given of the registries' logins."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fleet.declaration.logins import DEFAULT, Login
from fleet.declaration.model import Declaration

GHCR: Final = "ghcr.io"


@dataclass(frozen=True, kw_only=True)
class JobLogin:
    """A registry's login in a workflow: its variables, and the expressions of their values."""

    host: str
    login: Login

    @property
    def own(self) -> bool:
        """True if it is the job's own: that of GitHub's registry, where none is declared."""
        return self.host == GHCR and self.login == DEFAULT

    @property
    def username(self) -> str:
        """The expression of the user name, which is not a secret."""
        return "${{ github.actor }}" if self.own else f"${{{{ vars.{self.login.username} }}}}"

    @property
    def password(self) -> str:
        """The expression of the password."""
        return "${{ github.token }}" if self.own else f"${{{{ secrets.{self.login.password} }}}}"


def all_logins(declaration: Declaration) -> tuple[JobLogin, ...]:
    """Return the logins of what builds: it pulls bases, and pushes."""
    return tuple(JobLogin(host=host, login=login) for host, login in declaration.logins.items())


def registry_logins(declaration: Declaration) -> tuple[JobLogin, ...]:
    """Return the login of what reads the fleet's registry, and builds nothing."""
    return tuple(login for login in all_logins(declaration) if login.host == declaration.host)


def reading_logins(declaration: Declaration) -> tuple[JobLogin, ...]:
    """Return the logins of what asks for new bases: those that can only read."""
    return tuple(login for login in all_logins(declaration) if login.login.read)


def values_of(logins: Iterable[JobLogin]) -> dict[str, str]:
    """Return the variables of ``logins`` with their values."""
    found: dict[str, str] = {}
    for each in logins:
        found |= {each.login.username: each.username, each.login.password: each.password}
    return found
