"""What a declared text may be: each rule says what is wrong with one that breaks it."""

import re
from collections.abc import Mapping
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement

from fleet.declaration import tags, versions
from fleet.declaration.config_reader import Fault, Pattern, one_of

_DISTRIBUTION = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"  # PyPA names, without the extras
_EXTRAS = r"\[[A-Za-z0-9._-]+(?:,[A-Za-z0-9._-]+)*\]"
# PEP 440, without ===: packaging and uv disagree on whether ===23 is 23.0.
_CLAUSE = r"(?:~=|[=!<>]=|[<>]) *[A-Za-z0-9][A-Za-z0-9.!+*_-]*"
# What ends up in labels, Dockerfile arguments and pages: no quote, backslash, $, ` or control
# character, so that no later reader can take it for anything but text.
PLAIN = Pattern(
    r"[^\x00-\x1f\x7f\"'\\$`{}<>\[\]|]{1,200}",
    "has a character that is not allowed in declared text",
    "Leave out quotes, brackets, braces, $, `, | and line breaks, and stay within 200 characters",
)
URL = Pattern(
    r"https://[A-Za-z0-9.-]+(?:/[A-Za-z0-9._~/-]*)?", "is not a plain https URL", "Write https://…"
)
_LOOPBACK = "|".join(map(re.escape, tags.LOOPBACK))
INDEX = Pattern(
    rf"(?:https://[A-Za-z0-9.-]+|http://(?:{_LOOPBACK}))(?::[0-9]{{1,5}})?/[A-Za-z0-9._~/-]*",
    "is not an address of a package index",
    "Write the https address of its simple API, without a login: https://pypi.org/simple",
)
PACKAGE = Pattern(_DISTRIBUTION, "is not a distribution name", "Write it as on PyPI: uvicorn")
EXTRA = Pattern(r"[A-Za-z0-9][A-Za-z0-9._-]*", "is not an extra", "Write it as on PyPI: standard")
_REQUIRE = Pattern(
    f"{_DISTRIBUTION}(?:{_EXTRAS})?(?: *{_CLAUSE}(?: *, *{_CLAUSE})*)?",
    "is not a distribution name, with or without a condition on its version",
    "Write it as on PyPI, with neither an address nor a marker, and a condition in quotes: "
    'gunicorn, gunicorn[gevent] or "gunicorn>=23,<28"',
)
LICENSE = Pattern(
    r"[A-Za-z0-9.+() -]{1,100}", "is not an SPDX expression", "Write it as MIT or Apache-2.0"
)
PYTHON = Pattern(
    versions.PYTHON, "is not a Python feature release", 'Write it in two parts: "3.13"'
)
REPOSITORY = Pattern(
    rf"(?!shared\Z){tags.REPOSITORY}",
    "is not a name for an image's repository",
    "Use lower-case letters and digits, parted by . _ or -; shared is what images have in common",
)
BUILDER = Pattern(
    rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{tags.LONGEST_BUILDER - 1}}}",
    "is not a builder name",
    f"Use a name that `docker buildx ls` shows, of at most {tags.LONGEST_BUILDER} characters",
)
_REGISTRY = Pattern(
    tags.REGISTRY,
    "is not a registry and namespace",
    "Write host[:port]/namespace in lower case: ghcr.io/multi-py",
)
# Docker takes a first part without a dot, a port or this name for a namespace on Docker Hub.
_BASE_REGISTRY = Pattern(
    rf"(?=localhost[:/]|[^/]*[.:]){tags.REGISTRY}",
    "is not a registry and path of a mirror",
    "Write host[:port]/path in lower case, as the images lie below it: mirror.example.org/library",
)
POLICY = Pattern(
    "remove|keep|remove after [1-9][0-9]{0,3} days",
    "is not a known policy for stale pointers",
    "Write remove, keep, or remove after 90 days",
)
STACK_NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}"
STACK = Pattern(
    STACK_NAME,
    "is not a stack name",
    "Use letters, digits, _, - and . for it, and name a stack that has a file: Pulumi.NAME.yaml",
)
BASE = one_of(tags.BASES, "base")
PLATFORM = one_of(tags.PLATFORMS, "platform")
PARTING = one_of(("remove", "keep"), "fate of pointers")
SECRET = Pattern(
    r"(?!GITHUB_)[A-Z_][A-Z0-9_]*",
    "is not a name of an Actions secret",
    "Use capitals, digits and _; not beginning with a digit or GITHUB_",
)
VARIABLE = Pattern(
    r"[^\x00-\x1f\x7f]{1,1000}",
    "is not a value for an Actions variable",
    "Write it on one line of at most 1000 characters",
)
_HIGHEST_PORT = 65535

_ANY_DEPTH = (
    "Use a registry that makes repositories of any depth on push: ghcr.io/<owner>, or one of your "
    "own (host[:port]/namespace)"
)
# By pattern of a registry, what is known of it before anything is built.
_UNFIT: Final = {
    r"(?:(?:index\.|registry-1\.)?docker\.io|registry\.hub\.docker\.com)(?::443)?/.*": Fault(
        "is on Docker Hub, whose repositories have two levels (org/image); a fleet keeps the "
        "builds of each image in a repository below it (<image>/build)",
        _ANY_DEPTH,
    ),
    r"(?:[0-9]+\.dkr[.-]ecr(?:-fips)?\.[a-z0-9.-]+|public\.ecr\.aws)/.*": Fault(
        "is on Amazon ECR, which makes no repository on push; a fleet's repositories follow from "
        "what is declared",
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


def registry(text: str) -> Fault | None:
    """Tell what is wrong with ``host[:port]/namespace``, or why no fleet can be kept there."""
    fault = _REGISTRY(text) or _port_fault(text)
    if fault:
        return fault
    found = (unfit for pattern, unfit in _UNFIT.items() if re.fullmatch(pattern, text))
    return next((Fault(f"{text!r} {unfit.what}", unfit.remedy) for unfit in found), None)


def base_registry(text: str) -> Fault | None:
    """Tell what is wrong with ``host[:port]/path``, below which the official bases are mirrored."""
    return _BASE_REGISTRY(text) or _port_fault(text)


def _port_fault(text: str) -> Fault | None:
    place, _, path = text.partition("/")
    host, _, port = place.partition(":")
    if port and not 1 <= int(port) <= _HIGHEST_PORT:
        return Fault(f"{text!r} has no port that can be", "Use one from 1 to 65535")
    if not port and tags.is_embedded(host):
        return Fault(f"{text!r} needs a port", f"Write {host}:5443/{path}")
    return None


def version(text: str) -> Fault | None:
    """Tell what is wrong with a package's version that is to stand in a tag."""
    if versions.parse(text) is None:
        return Fault(
            f"{text!r} is not a canonical PEP 440 version that can stand in a tag",
            "Write it as PyPI normalises it, without epoch or local part: 0.34.0",
        )
    if len(text) > tags.LONGEST_VERSION:
        what = f"{text!r} makes a tag of over 128 characters, with the name of a builder"
        return Fault(what, "Declare a shorter version")
    return None


def requirement(text: str) -> Fault | None:
    """Tell what is wrong with a distribution that comes along, and the condition on its version."""
    if fault := _REQUIRE(text):
        what = {";": "has a marker", "@": "has an address"}
        known = next((what[sign] for sign in what if sign in text), _REQUIRE.what)
        return Fault(f"{text!r} {known}", fault.remedy)
    try:
        specifier = Requirement(text).specifier
    except InvalidRequirement:
        return Fault(f"{text!r} {_REQUIRE.what}", _REQUIRE.remedy)
    if specifier.is_unsatisfiable():
        return Fault(f"{text!r} is a condition that no version meets", "Correct it")
    return None


def cron_line(text: str) -> Fault | None:
    """Tell what is wrong with a schedule: five fields of POSIX, without ``@daily`` and seconds."""
    fields = text.split(" ")
    if len(fields) == len(_CRON_FIELDS) and all(map(_is_cron_field, fields, _CRON_FIELDS)):
        return None
    return Fault(f"{text!r} is not a cron line of five fields", 'Write it as "17 4 * * *", in UTC')


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
