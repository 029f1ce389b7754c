"""Which registry's login comes from which environment variables: names of variables, no values."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fleet.declaration import tags
from fleet.declaration.problems import Problems

_PATH: Final = "fleet:logins"
BASES: Final = "docker.io"
"""The registry of the official Python images, where no mirror of it is declared."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """The names of the variables that hold a registry's login.

    ``read`` says that it can only pull: then the job that asks for new bases gets it too. ``realm``
    is the host of its token server, where that has another owner's domain.
    """

    username: str
    password: str
    read: bool = False
    realm: str = ""


DEFAULT: Final = Login(
    username="FLEET_REGISTRY_USERNAME",
    password="FLEET_REGISTRY_PASSWORD",  # noqa: S106 - the name of a variable
)
"""The login of the fleet's own registry where none is declared for it."""


def parse_logins(
    declared: Mapping[str, Mapping[str, Any]],
    registry: str,
    base_registry: str,
    mirrors: Collection[str],
    problems: Problems,
) -> dict[str, Login]:
    """Return the ``declared`` logins, and the default one of the fleet's ``registry``.

    Beside that, the host of ``base_registry`` may have one, an empty one is docker.io, and those of
    ``mirrors``.
    """
    host = registry.partition("/")[0]
    found = {} if tags.is_embedded(host) or not host else {host: DEFAULT}
    for name, entry in declared.items():
        _note_host(name, host, (*mirrors, base_registry.partition("/")[0]), problems)
        login = Login(**{"username": "", "password": "", **entry})
        if login.read and name in {host, *mirrors}:
            what = "is for a registry of bases, and this one is written to"
            problems.add(f"{_PATH}.{name}.read", what, "Take it out")
        found[name] = login
    _note_repeats(found, problems)
    return found


def variables(logins: Mapping[str, Login]) -> dict[str, dict[str, str]]:
    """Return ``logins`` as the provider's configuration and the registry client take them."""
    return {
        host: {key: name for key, name in vars(login).items() if name and key != "read"}
        for host, login in logins.items()
    }


def _note_host(name: str, host: str, others: Iterable[str], problems: Problems) -> None:
    if tags.is_embedded(name):
        what = "is the registry on this machine, whose login is made with it"
        problems.add(f"{_PATH}.{name}", what, "Take it out")
        return
    # Workflows take what emulates and builds from Docker Hub, also where a mirror has the bases.
    known = dict.fromkeys(filter(None, (host, *others, BASES)))
    if host and name not in known:
        what = "is not a registry that this stack reads or writes"
        problems.add(f"{_PATH}.{name}", what, f"Write {' or '.join(known)}")


def _note_repeats(found: Mapping[str, Login], problems: Problems) -> None:
    """Note a variable that is named twice: the secret of one host would be sent to another."""
    places: dict[str, str] = {}
    for host, login in found.items():
        for key, variable in (("username", login.username), ("password", login.password)):
            place = f"{host}.{key}"
            first = places.setdefault(variable, place) if variable else place
            if first != place:
                what = f"{variable} is named at {_PATH}.{first} already"
                remedy = "Name a variable of its own, which holds that one value"
                problems.add(f"{_PATH}.{place}", what, remedy)
