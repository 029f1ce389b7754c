"""What a declared text may be: each rule says what is wrong with one that breaks it."""

from fleet.declaration import cron, registry_limits, tags, versions
from fleet.declaration.config_reader import Fault, Pattern, one_of

_DISTRIBUTION = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"  # PyPA names, without the extras
_EXTRAS = r"\[[A-Za-z0-9._-]+(?:,[A-Za-z0-9._-]+)*\]"
# What ends up in labels, Dockerfile arguments and pages: no quote, backslash, $, ` or control
# character, so that no later reader can take it for anything but text.
PLAIN = Pattern(
    r"[^\x00-\x1f\x7f\"'\\$`{}<>\[\]|]{1,200}",
    "has a character that is not allowed in declared text",
    "Leave out quotes, brackets, braces, $, `, | and line breaks, and stay within 200 characters",
)
URL = Pattern(
    r"https://[A-Za-z0-9.-]+(?:/[A-Za-z0-9._~/-]*)?", "is no plain https URL", "Write https://…"
)
INDEX = Pattern(
    r"(?:https://[A-Za-z0-9.-]+|http://(?:localhost|127\.0\.0\.1))(?::[0-9]{1,5})?/[A-Za-z0-9._~/-]*",
    "is no address of a package index",
    "Write the https address of its simple API, without a login: https://pypi.org/simple",
)
PACKAGE = Pattern(_DISTRIBUTION, "is no distribution name", "Write it as on PyPI: uvicorn")
EXTRA = Pattern(r"[A-Za-z0-9][A-Za-z0-9._-]*", "is no extra", "Write it as on PyPI: standard")
REQUIRE = Pattern(
    _DISTRIBUTION + f"(?:{_EXTRAS})?",
    "is no distribution name",
    "Write it as on PyPI, without a version (the lock holds that): gunicorn or gunicorn[gevent]",
)
LICENSE = Pattern(
    r"[A-Za-z0-9.+() -]{1,100}", "is no SPDX expression", "Write it as MIT or Apache-2.0"
)
PYTHON = Pattern(
    versions.PYTHON.pattern, "is no Python feature release", 'Write it in two parts: "3.13"'
)
REPOSITORY = Pattern(
    rf"(?!shared\Z){tags.REPOSITORY.pattern}",
    "is no name for an image's repository",
    "Use lower-case letters and digits, parted by . _ or -; shared is what images have in common",
)
BUILDER = Pattern(
    r"[A-Za-z0-9][A-Za-z0-9_.-]*", "is no builder name", "Use a name that `docker buildx ls` shows"
)
_REGISTRY = Pattern(
    tags.REGISTRY.pattern,
    "is no registry and namespace",
    "Write host[:port]/namespace in lower case: ghcr.io/multi-py",
)
POLICY = Pattern(
    "remove|keep|remove after [1-9][0-9]{0,3} days",
    "is no known policy for stale pointers",
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
CONFLICT = one_of(("take-over", "refuse"), "answer to a conflict")
PARTING = one_of(("remove", "keep"), "fate of pointers")
SECRET = Pattern(
    r"(?!GITHUB_)[A-Z_][A-Z0-9_]*",
    "is no name of an Actions secret",
    "Use capitals, digits and _; not beginning with a digit or GITHUB_",
)
VARIABLE = Pattern(
    r"[^\x00-\x1f\x7f]{1,1000}",
    "is no value for an Actions variable",
    "Write it on one line of at most 1000 characters",
)
_HIGHEST_PORT = 65535


def registry(text: str) -> Fault | None:
    """Tell what is wrong with ``host[:port]/namespace``."""
    fault = _REGISTRY(text)
    host, _, port = text.partition("/")[0].partition(":")
    if fault is None and port and not 1 <= int(port) <= _HIGHEST_PORT:
        return Fault(f"{text!r} has no port that can be", "Use one from 1 to 65535")
    if fault is None and not port and host in tags.LOOPBACK:
        return Fault(f"{text!r} needs a port", f"Write {host}:5443/namespace")
    return fault or registry_limits.fault(text)


def version(text: str) -> Fault | None:
    """Tell what is wrong with a package's version that is to stand in a tag."""
    if versions.parse(text) is None:
        return Fault(
            f"{text!r} is no canonical PEP 440 version that can stand in a tag",
            "Write it as PyPI normalises it, without epoch or local part: 0.34.0",
        )
    if not tags.is_tag_length(f"py3.99-alpine-{text}"):
        return Fault(f"{text!r} makes a tag of over 128 characters", "Declare a shorter version")
    return None


def cron_line(text: str) -> Fault | None:
    """Tell what is wrong with the cron line of a schedule."""
    if cron.is_cron(text):
        return None
    return Fault(f"{text!r} is no cron line of five fields", 'Write it as "17 4 * * *", in UTC')
