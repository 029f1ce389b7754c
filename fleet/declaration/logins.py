"""Which registry's login comes from which environment variables: names of variables, no values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fleet.declaration import tags
from fleet.declaration.config_reader import Fault, Pattern, Reader

BASES: Final = "docker.io"
"""The registry of the official Python images, where no mirror of it is declared."""

_KEYS = ("username", "password", "read")
_NAME = Pattern(r"(?!GITHUB_)[A-Z_][A-Z0-9_]*", "", "")
_HIDDEN = "(it is not shown, for it may be a secret)"
_NOT_A_NAME = Fault(
    f"is not the name of an environment variable {_HIDDEN}",
    "Write a name of capitals, digits and _, not beginning with GITHUB_, such as HUB_PASSWORD, and "
    "give the value in the environment. If a secret stood here, replace it where it is valid",
)
# What the engine, the program and its jobs are set by, the App's key and the passphrase included.
_TAKEN = re.compile(
    r"PULUMI_.*|FLEET_(?!REGISTRY_).*|DOCKER_CONFIG|LIMIT|PATH|STACK"
    r"|GH_TOKEN|AWS_.*|ACTIONS_.*|HOME"
)
_HOST = re.compile(r"localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?|[A-Za-z0-9-]+:[0-9]+")
_NOT_A_HOST = Fault(
    f"has a key that is not the host of a registry {_HIDDEN}",
    "Write host or host:port, without scheme, user or path",
)
_UNKNOWN = Fault(f"has an unknown key {_HIDDEN}", f"Known keys: {', '.join(_KEYS)}")
_NOT_A_FLAG = Fault(f"is neither true nor false {_HIDDEN}", "Write true or false")
_NOT_A_MAPPING = Fault(
    f"is not a mapping {_HIDDEN}",
    "Write a line per registry: host: {username: A_VARIABLE, password: A_VARIABLE}",
)


@dataclass(frozen=True, kw_only=True)
class Login:
    """The names of the variables that hold a registry's login.

    ``read`` says that it can only pull: then the job that asks for new bases gets it too.
    """

    username: str
    password: str
    read: bool = False


DEFAULT: Final = Login(
    username="FLEET_REGISTRY_USERNAME",
    password="FLEET_REGISTRY_PASSWORD",  # noqa: S106 - the name of a variable
)
"""The login of the fleet's own registry where none is declared for it."""


def parse_logins(reader: Reader, registry: str, base_registry: str) -> dict[str, Login]:
    """Return the logins that ``reader`` declares, and the default one of the fleet's ``registry``.

    Beside that, the host of ``base_registry`` may have one; an empty one is docker.io.
    No declared value gets into a problem: it may be a secret that was written in a wrong place.
    """
    host = registry.partition("/")[0]
    found = {} if tags.is_embedded(host) or not host else {host: DEFAULT}
    declared = reader.values.get("logins", {})
    if not isinstance(declared, Mapping):
        reader.note("logins", *_NOT_A_MAPPING)
        return found
    logins = Reader(path=reader.at("logins"), values=declared, problems=reader.problems)
    for name in map(str, declared):
        if _HOST.fullmatch(name):
            _note_host(logins, name, host, base_registry.partition("/")[0])
            found[name] = _login(logins, name, own=name == host)
        else:
            reader.note("logins", *_NOT_A_HOST)
    _note_repeats(logins, found)
    return found


def variables(logins: Mapping[str, Login]) -> dict[str, dict[str, str]]:
    """Return ``logins`` as the provider's configuration and the registry client take them."""
    return {
        host: {"username": login.username, "password": login.password}
        for host, login in logins.items()
    }


def _note_host(logins: Reader, name: str, host: str, mirror: str) -> None:
    if tags.is_embedded(name):
        what = "is the registry on this machine, whose login is made with it"
        logins.note(name, what, "Take it out")
        return
    # Workflows take what emulates and builds from Docker Hub, also where a mirror has the bases.
    known = dict.fromkeys(filter(None, (host, mirror, BASES)))
    if host and name not in known:
        what = "is not a registry that this stack reads or writes"
        logins.note(name, what, f"Write {' or '.join(known)}")


def _note_repeats(logins: Reader, found: Mapping[str, Login]) -> None:
    """Note a variable that is named twice: the secret of one host would be sent to another."""
    places: dict[str, str] = {}
    for host, login in found.items():
        for key, variable in (("username", login.username), ("password", login.password)):
            place = f"{host}.{key}"
            first = places.setdefault(variable, place) if variable else place
            if first != place:
                what = f"{variable} is named at {logins.at(first)} already"
                logins.note(place, what, "Name a variable of its own, which holds that one value")


def _login(logins: Reader, name: str, *, own: bool) -> Login:
    entry = logins.values[name]
    if not isinstance(entry, Mapping):
        logins.note(name, *_NOT_A_MAPPING)
        return Login(username="", password="")
    reader = Reader(path=logins.at(name), values=entry, problems=logins.problems)
    if not entry.keys() <= {*_KEYS}:
        logins.note(name, *_UNKNOWN)
    read = entry.get("read", False)
    if not isinstance(read, bool) and read not in ("true", "false"):
        reader.note("read", *_NOT_A_FLAG)
    read = read in (True, "true")
    if read and own:
        reader.note("read", "is for a registry of bases, and this one is written to", "Take it out")
    return Login(
        username=_variable(reader, "username"), password=_variable(reader, "password"), read=read
    )


def _variable(reader: Reader, key: str) -> str:
    value = reader.values.get(key)
    if value is None:
        reader.note(key, "is missing", "Name the variable that holds it")
    elif not isinstance(value, str) or _NAME(value):
        reader.note(key, *_NOT_A_NAME)
    elif _TAKEN.fullmatch(value):
        what = f"{value} is a variable of another purpose, whose value no registry may get"
        reader.note(key, what, "Name a variable of its own")
    else:
        return value
    return ""
