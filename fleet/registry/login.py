"""Which credentials a repository gets: those of its own registry host, or none.

The provider's configuration names environment variables by host; their values are looked up once.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from fleet.registry import docker_login
from fleet.registry.docker_hub import canonical
from fleet.registry.docker_login import Credentials, pair_of
from fleet.registry.errors import AuthenticationError, OciError
from fleet.registry.reference import Repository, is_host

_KEYS = ("username", "password")
_REALM = "realm"
_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_REMOVED = "FLEET_REGISTRY_HOST"


class Names(NamedTuple):
    """The names of the two variables of a login, and the host of its token server if declared."""

    username: str
    password: str
    realm: str = ""


@dataclass(frozen=True, kw_only=True)
class Logins:
    """The declared logins by host, and the credentials of those whose variables are set.

    `halves` says, by host, why no credentials are held though a variable is set: mostly because the
    other one is missing.
    """

    named: Mapping[str, Names] = field(default_factory=dict)
    held: Mapping[str, Credentials] = field(default_factory=dict, repr=False)
    halves: Mapping[str, str] = field(default_factory=dict)

    def realm(self, host: str) -> str:
        """Return the host that is declared as the token server of `host`, '' without one."""
        named = self.named.get(canonical(host))
        return named.realm if named else ""

    def remedy(self, host: str) -> str:
        """Return what to do where `host` asks for a login and none was found."""
        named = self.named.get(canonical(host))
        first = (
            f"Set {named[0]} and {named[1]}"
            if named
            else "Name the variables of its login in fleet:logins"
        )
        return f"{first}, or log in with `docker login` (DOCKER_CONFIG)"


NO_LOGINS = Logins()
"""What is used where nothing but Docker's configuration holds a login."""


def parse_logins(value: object) -> dict[str, Names]:
    """Return the provider's configuration `logins`, by the one name of each host.

    What stands in place of a name may be a secret, and is never shown.

    :raises OciError: naming everything that is wrong.
    """
    if not isinstance(value, Mapping):
        raise OciError("logins: is not a mapping of hosts; write {host: {username, password}}")
    problems: list[str] = []
    found: dict[str, Names] = {}
    for host, entry in value.items():
        if not is_host(str(host)):
            problems.append(
                "a key is not the host of a registry (it is not shown, for it may hold a secret); "
                "write host[:port]"
            )
            continue
        names = [entry.get(key) for key in _KEYS] if isinstance(entry, Mapping) else []
        realm = (entry.get(_REALM) or "") if names else ""
        if canonical(host) in found:
            problems.append(
                f"{host}: is {canonical(host)} by another name, which has a login here; keep one"
            )
        elif (
            names
            and not {*entry} - {*_KEYS, _REALM}
            and all(isinstance(name, str) and _NAME.fullmatch(name) for name in names)
            and (realm == "" or (isinstance(realm, str) and is_host(realm)))
        ):
            found[canonical(host)] = Names(str(names[0]), str(names[1]), realm.lower())
        else:
            problems.append(
                f"{host}: is not a pair of names of environment variables (what it is, is not "
                "shown: it may be a secret); write {username: A_VARIABLE, password: A_VARIABLE}"
            )
    if problems:
        raise OciError("\n".join(f"logins: {problem}" for problem in problems))
    return found


def find_logins(value: object, environment: Mapping[str, str]) -> Logins:
    """Return the logins of a configuration, their values looked up in `environment`.

    A login whose variables are not both set leaves the host to Docker's configuration: a refresh
    works with the names of the last run, of which this one may have renamed one.

    :raises OciError: naming every variable that can't be sent, and all that is wrong in `value`.
    """
    named = parse_logins(value)
    problems: list[str] = []
    if environment.get(_REMOVED):
        # Without it, what is set for that host would go to another one.
        problems.append(
            f"{_REMOVED}: is set, and not read any more. A login belongs to the host that "
            "fleet:logins names, by default that of fleet:registry. Unset it"
        )
    held, halves = {}, {}
    for host, names in named.items():
        pair = (names.username, names.password)
        username, password = (environment.get(name, "") for name in pair)
        if username and password:
            try:
                held[host] = pair_of(username, password, pair)
            except OciError as error:
                problems.append(str(error))
        elif username or password:
            given, lacking = pair if username else pair[::-1]
            halves[host] = f"{given}: is set without {lacking}. Set both, or neither"
    if problems:
        raise AuthenticationError("\n".join(problems))
    return Logins(named=named, held=held, halves=halves)


def find_declared(
    value: object, environment: Mapping[str, str], declared: Mapping[str, object] | None
) -> Logins:
    """Return the logins of a configuration, as far as this run's declaration has their hosts.

    A refresh works with the configuration of the last run. Where the registry has moved since, the
    variables of the same names hold the new one's login, which the old one must not get. `declared`
    is None where nobody said what is declared: then no value is sent.

    :raises OciError: as `find_logins` does.
    """
    if declared is not None:
        hosts = value if isinstance(value, Mapping) else {}
        return find_logins({h: declared[h] for h in hosts if h in declared}, environment)
    found = find_logins(value, environment)
    unsent = {
        host: f"{found.named[host].password}: is sent to {host} only where FLEET_LOGINS says that "
        'it is for it. Run this by make, or after eval "$(make -s env)"'
        for host in found.held
    }
    return replace(found, held={}, halves={**found.halves, **unsent})


async def find_credentials(
    repository: Repository, logins: Logins, environment: Mapping[str, str]
) -> Credentials | None:
    """Return the credentials for a repository, or None for anonymous access.

    A declared login is for its own host, and wins there over Docker's configuration.

    :raises AuthenticationError: if Docker's configuration can't be read, or has no login either
        where half of a declared one is set.
    """
    host = canonical(repository.host)
    found = logins.held.get(host) or await docker_login.find(repository, environment)
    if found is None and host in logins.halves:
        raise AuthenticationError(logins.halves[host])
    return found
