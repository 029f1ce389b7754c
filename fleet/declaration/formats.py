"""What a pattern can't say of a declared text: the ``format`` of the declaration's schema."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement

from fleet.declaration import tags
from fleet.declaration.problems import Fault

_HIGHEST_PORT = 65535
_HTTPS = 443
# What the engine, the program and its jobs are set by, the App's key and the passphrase included.
_TAKEN = re.compile(
    r"PULUMI_.*|FLEET_(?!REGISTRY_).*|DOCKER_CONFIG|LIMIT|PATH|STACK"
    r"|GH_TOKEN|AWS_.*|ACTIONS_.*|HOME"
)

_ANY_DEPTH = (
    "Use a registry that makes repositories of any depth on push: ghcr.io/<owner>, or one of your "
    "own (host[:port]/namespace)"
)
# By pattern of a registry, what is known of it before anything is built.
_HUB: Final = r"(?:(?:index\.|registry-1\.)?docker\.io|registry\.hub\.docker\.com)/"
_UNFIT: Final = {
    rf"{_HUB}.*": Fault(
        "is on Docker Hub, whose repositories have two levels (org/image); a fleet keeps the "
        "builds of each image in a repository below it (<image>/build)",
        _ANY_DEPTH,
    ),
    r"public\.ecr\.aws/.*": Fault(
        "is on Amazon ECR Public, which makes no repository on push; a fleet's repositories follow "
        "from what is declared",
        _ANY_DEPTH,
    ),
    r"[a-z0-9-]+-docker\.pkg\.dev/[^/]+": Fault(
        "names a project of Artifact Registry, and no repository in it",
        "Make a repository there, and write LOCATION-docker.pkg.dev/project/repository",
    ),
}

_NAMES_OF = {
    (1, 12): ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    (0, 6): ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
}
_CRON_FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))

_UNFIT_MIRRORS: Final = {
    **{pattern: unfit for pattern, unfit in _UNFIT.items() if not pattern.startswith(_HUB)},
    r"docker\.io/[^/]+/.*": Fault(
        "is on Docker Hub, whose repositories have two levels (org/image)",
        "Write docker.io/org",
    ),
    # Logins and what is known of a registry are found by its one name.
    rf"(?!docker\.io/){_HUB}.*": Fault("is Docker Hub by another name", "Write docker.io/org"),
}


def _registry(text: str) -> Fault | None:
    """Tell why no fleet can be kept at ``host[:port]/namespace``."""
    return _port(text) or _unfit(text, _UNFIT)


def _mirror(text: str) -> Fault | None:
    """Tell why no fleet can be mirrored at ``host[:port]/namespace``."""
    return _port(text) or _unfit(text, _UNFIT_MIRRORS)


def _unfit(text: str, known: Mapping[str, Fault]) -> Fault | None:
    return next((fault for pattern, fault in known.items() if re.fullmatch(pattern, text)), None)


def _port(text: str) -> Fault | None:
    """Tell what is wrong with the port of ``host[:port]/path``."""
    place, _, path = text.partition("/")
    host, _, port = place.partition(":")
    if port and not 1 <= int(port) <= _HIGHEST_PORT:
        return Fault("has no port that can be", "Use one from 1 to 65535")
    if port and int(port) == _HTTPS:
        # One registry has one name, by which logins and what is known of it are found.
        return Fault("names the port that is meant without one", f"Write {host}/{path}")
    if not port and tags.is_embedded(host):
        return Fault("needs a port", f"Write {host}:5443/{path}")
    return None


def _requirement(text: str) -> Fault | None:
    """Tell what is wrong with the condition on the version of a distribution that comes along."""
    try:
        specifier = Requirement(text).specifier
    except InvalidRequirement:
        return Fault("has a condition that is not one of PEP 440", 'Write it like ">=23,<28"')
    if specifier.is_unsatisfiable():
        return Fault("is a condition that no version meets", "Correct it")
    return None


def _marked(text: str) -> Fault | None:
    """Tell what is wrong with the marker (PEP 508) of ``name==version ; marker``."""
    try:
        if ";" in text:
            Marker(text.partition(";")[2].strip())
    except InvalidMarker:
        return Fault("has no valid marker", "Correct it")
    return None


def _login_variable(text: str) -> Fault | None:
    what = "is a variable of another purpose, whose value no registry may get"
    return Fault(what, "Name a variable of its own") if _TAKEN.fullmatch(text) else None


def cron_line(text: str) -> Fault | None:
    """Tell what is wrong with a schedule: five fields of POSIX, without ``@daily`` and seconds."""
    fields = text.split(" ")
    if len(fields) == len(_CRON_FIELDS) and all(map(_is_cron_field, fields, _CRON_FIELDS)):
        return None
    return Fault("is not a cron line of five fields", 'Write it as "17 4 * * *", in UTC')


def _is_cron_field(text: str, bounds: tuple[int, int]) -> bool:
    lowest, highest = bounds
    numbers = {f"{n:0{width}}": n for n in range(lowest, highest + 1) for width in (1, 2)}
    names = {name: n for n, name in enumerate(_NAMES_OF.get(bounds, ()), lowest)}
    return all(_is_cron_part(part, numbers | names) for part in text.upper().split(","))


def _is_cron_part(text: str, known: Mapping[str, int]) -> bool:
    span, slash, step = text.partition("/")
    ends = [known.get(end, -1) for end in span.split("-")]
    if slash and not re.fullmatch("[1-9][0-9]?", step):
        return False
    # `5/15` means different things to different crons.
    is_range = len(ends) == 2 and ends == sorted(ends)  # noqa: PLR2004 - a range has two ends
    return span == "*" or (min(ends) >= 0 and (is_range or (len(ends) == 1 and not slash)))


FORMATS: Final[Mapping[str, Callable[[str], Fault | None]]] = {
    "registry": _registry,
    "mirror": _mirror,
    "base-registry": _port,
    "requirement": _requirement,
    "marked": _marked,
    "cron": cron_line,
    "login-variable": _login_variable,
}
