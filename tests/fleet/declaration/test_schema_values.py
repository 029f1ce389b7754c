"""What the schema for editors refuses, the parser refuses, with the same remedy; and what it takes."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fleet.declaration.editor_schema import (
    DEFINITIONS,
    PART,
    SCHEMA,
    WHOLE,
    Place,
    changed,
    of_parser,
    of_schema,
)

_WEB: Place = ("images", "web")
_GITHUB: Place = ("github",)
_HUB: Place = ("logins", "docker.io")
_REMOTE: Place = ("builder-nodes", "arm")
_KUBE: Place = ("builder-nodes", "kube")
_ENGINE: Place = ("builder-nodes", "engine")

WRONG: list[tuple[Place, Any]] = [
    (("registry",), "GHCR.io/Multi-Py"),
    (("registry",), "ghcr.io"),
    (("registry",), None),
    (("builders",), {}),
    (("builders", "linux/vax"), "fleet"),
    (("builders", "linux/386"), "a builder"),
    (("images",), {}),
    (("images", "Web"), WHOLE["images"]["web"]),
    (("images", "shared"), WHOLE["images"]["web"]),
    (("images", "web"), None),
    (("defaults", "colour"), "red"),
    (("defaults", "pure"), True),
    (("imagse",), {}),
    (("protected",), "maybe"),
    (("retention-days",), 0),
    (("retention-days",), True),
    (("retention-days",), "a month"),
    (("retention-days",), 30.5),
    (("cooldown-days",), 10000),
    (("max-removals",), 2),
    (("max-removals",), "most"),
    (("max-removals",), True),
    (("index",), "http://pypi.org/simple"),
    (("index",), "https://user@pypi.org/simple"),
    (("whole-check",), "linux/armv7"),
    (("schedules", "drift"), "@daily"),
    (("schedules", "drift"), "5/15 * * * *"),
    (("schedules", "weekly"), "0 4 * * *"),
    (("secrets",), "TOKEN"),
    (("secrets", 0), "GITHUB_TOKEN"),
    (("secrets", 0), "token"),
    (("variables", "BACKEND"), "two\nlines"),
    (("variables", "backend"), "s3://bucket"),
    (("on-conflict", "versions"), "force"),
    (("on-destroy", "pointers"), "purge"),
    (("on-destroy", "tags"), "keep"),
    ((*_GITHUB, "repository"), "fleet"),
    ((*_GITHUB, "branch"), "a..b"),
    ((*_GITHUB, "branch"), "main.lock"),
    ((*_GITHUB, "environment"), "$(id)"),
    ((*_GITHUB, "runner"), "a runner"),
    ((*_GITHUB, "architecture"), "armv7"),
    ((*_GITHUB, "drift"), "ignore"),
    ((*_GITHUB, "versions"), "take"),
    (_GITHUB, {}),
    (("logins", "https://ghcr.io"), {"username": "A", "password": "B"}),
    (_HUB, {"username": "HUB_USER"}),
    ((*_HUB, "password"), "hunter2"),
    ((*_HUB, "read"), "yes"),
    ((*_HUB, "token"), "HUB_TOKEN"),
    ((*_WEB, "pythons"), [3.11]),
    ((*_WEB, "pythons"), []),
    ((*_WEB, "pythons"), "3.11"),
    ((*_WEB, "pythons"), None),
    ((*_WEB, "pythons"), ["3.11", "3.11"]),
    ((*_WEB, "pythons", 0), "2.7"),
    ((*_WEB, "versions", 0), "v0.33.0"),
    ((*_WEB, "versions", 0), "0.33.00"),
    ((*_WEB, "versions", 0), "1!0.33.0"),
    ((*_WEB, "versions", 0), "0.33.0+local"),
    ((*_WEB, "versions", 0), "1.0." + "1" * 120),
    ((*_WEB, "bases", 0), "slimm"),
    ((*_WEB, "platforms", 0), "linux/armv7"),
    ((*_WEB, "package"), "uvicorn; rm -rf /"),
    ((*_WEB, "extras"), ["stan dard"]),
    ((*_WEB, "requires", 0), "gunicorn==23"),
    ((*_WEB, "from-source"), ["-x"]),
    ((*_WEB, "builds-on"), "Base"),
    ((*_WEB, "title"), "a$(id)"),
    ((*_WEB, "source"), "http://example.org"),
    ((*_WEB, "licenses"), "MIT_0"),
    ((*_WEB, "lacks"), {"linux/amd64": []}),
    ((*_WEB, "pointers", "latest"), "remove"),
    ((*_WEB, "pointers", "LATEST"), "delete"),
    ((*_WEB, "pointers", "X.Y"), "remove after 0 days"),
    ((*_WEB, "pointers", "X"), 90),
    ((*_WEB, "exclude"), {"python": "3.11"}),
    ((*_WEB, "exclude", 0), {"because": "it fails"}),
    ((*_WEB, "exclude", 0), {"version": "0.33.0"}),
    ((*_WEB, "releases"), "never"),
    ((*_WEB, "releases", "max-versions"), 0),
    ((*_WEB, "releases", "include-prereleases"), "no"),
    ((*_WEB, "python-releases"), "never"),
    ((*_WEB, "python-releases", "retire"), "after 90 days"),
    (("builder-nodes", "fleet"), {"driver": "kubernetes"}),
    (("builder-nodes", "a" * 51), {"driver": "kubernetes"}),
    (_REMOTE, {"endpoint": "unix:///run/b.sock"}),
    (_REMOTE, {"driver": "docker"}),
    (_REMOTE, {"driver": "remote"}),
    (_REMOTE, {"driver": "cloud", "options": {"a": "b"}}),
    (_REMOTE, {"driver": "cloud", "endpoint": "org/name"}),
    ((*_REMOTE, "endpoint"), "tcp://arm.example.org:70000"),
    ((*_REMOTE, "options", "cacert"), "ca.pem"),
    ((*_REMOTE, "options", "servername"), "a b"),
    ((*_REMOTE, "options", "env.SECRET"), "x"),
    ((*_KUBE, "endpoint"), "prod"),
    ((*_KUBE, "options", "replicas"), 2),
    ((*_KUBE, "options", "replicas"), "0"),
    ((*_KUBE, "options", "image"), "An image"),
    ((*_KUBE, "options", "namespace"), "Builds"),
    ((*_KUBE, "options", "limits.cpu"), "half"),
    ((*_KUBE, "options", "nodeselector"), "arm64"),
    ((*_KUBE, "options", "tolerations"), "builds"),
    ((*_KUBE, "options", "loadbalance"), "even"),
    ((*_KUBE, "options", "rootless"), True),
    ((*_KUBE, "options", "timeout"), "5"),
    (_ENGINE, {"driver": "docker-container"}),
    ((*_ENGINE, "endpoint"), "tcp://h:2375"),
    ((*_ENGINE, "options", "network"), "a b"),
    (("part-of",), "a/b"),
    (("only", 0), "Web"),
    (("only",), ["web", "web"]),
    (("below", "base"), "a b"),
    (("with-github",), 1),
]
"""What is wrong by itself, whatever else is declared."""

RIGHT: list[tuple[Place, Any]] = [
    (("registry",), "europe-docker.pkg.dev:443/project/re.po_si-tory"),
    (("protected",), "true"),
    (("retention-days",), "30.0"),
    (("retention-days",), 9999),
    (("max-removals",), 1),
    (("max-removals",), "0.3"),
    (("index",), "http://127.0.0.1:3141/root/pypi/+simple/".replace("+", "")),
    (("whole-check",), "everywhere"),
    (("schedules", "drift"), "*/20,5 1-5/2 * JAN-mar,12 Sun"),
    (("secrets",), []),
    (("variables",), {}),
    ((*_GITHUB, "repository"), "a/.b_c-d"),
    ((*_GITHUB, "branch"), "release/1.x"),
    ((*_GITHUB, "emulation"), False),
    ((*_HUB, "read"), "true"),
    (("logins", "ghcr.io"), {"username": "A", "password": "_B9"}),
    ((*_WEB, "versions"), ["0.33.0", "2.0.0rc1.post2.dev3", "2024.1.0.0"]),
    ((*_WEB, "pythons"), ["3.8", "3.11", "3.99"]),
    ((*_WEB, "requires"), ["gunicorn[gevent,a_b]", "A.b-c"]),
    ((*_WEB, "builds-on"), "api"),
    ((*_WEB, "title"), "Web server, für alle (1.0) & more"),
    ((*_WEB, "source"), "https://example.org"),
    ((*_WEB, "licenses"), "(MIT OR Apache-2.0+)"),
    ((*_WEB, "pointers"), {}),
    ((*_WEB, "pointers", "X"), "remove after 9999 days"),
    ((*_WEB, "releases"), "by hand"),
    ((*_WEB, "releases", "max-versions"), "5"),
    ((*_WEB, "python-releases", "retire"), "90 days after end of life"),
    (_REMOTE, {"driver": "cloud", "options": {}}),
    (_REMOTE, {"driver": "remote", "endpoint": "tcp://[::1]:1234"}),
    ((*_KUBE, "options", "requests.memory"), "1.5Gi"),
    ((*_KUBE, "options", "nodeselector"), "kubernetes.io/arch=arm64,pool="),
    ((*_KUBE, "options", "tolerations"), "key=a,operator=Exists;key=b"),
    ((*_KUBE, "options", "timeout"), "2m30s"),
    ((*_ENGINE, "endpoint"), "ssh://build@arm.example.org:22"),
    ((*_ENGINE, "options", "cpuset-cpus"), "0-3,5"),
    (("part-of",), "_prod.1"),
    (("below", "base"), "organization/fleet/prod-base"),
]


def of(place: Place) -> dict[str, Any]:
    return PART if place[0] in PART else WHOLE


@pytest.mark.parametrize(("place", "value"), WRONG)
def test_what_the_schema_refuses_the_parser_refuses_with_the_same_remedy(
    place: Place, value: Any
) -> None:
    values = changed(of(place), place, value)
    remedies = {problem.remedy for problem in of_parser(values)}
    errors = of_schema(values)
    assert remedies
    assert errors
    told = {error.schema["patternErrorMessage"] for error in errors if error.validator == "pattern"}
    assert told - {"Write by hand, or key: value lines"} <= remedies


@pytest.mark.parametrize(("place", "value"), RIGHT)
def test_what_the_parser_takes_the_schema_takes(place: Place, value: Any) -> None:
    values = changed(of(place), place, value)
    assert of_parser(values) == []
    assert of_schema(values) == []


@cache
def broken_patterns() -> dict[str, Place]:
    """Return where each definition's pattern is broken in the table."""
    found: dict[str, Place] = {}
    for place, value in WRONG:
        for error in of_schema(changed(of(place), place, value)):
            if error.validator == "pattern":
                name = next(name for name, each in DEFINITIONS.items() if each == error.schema)
                found.setdefault(name, place)
    return found


PATTERNS = sorted(name for name, each in DEFINITIONS.items() if "pattern" in each)


def test_each_pattern_is_broken_once() -> None:
    assert sorted(broken_patterns()) == PATTERNS


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("patternProperties", {})
        yield from (value for key, value in schema.items() if key == "pattern")
    inner = schema.values() if isinstance(schema, dict) else schema
    if isinstance(schema, dict | list):
        for each in inner:
            yield from patterns(each)


def test_patterns_are_those_of_ecmascript_for_the_whole_text() -> None:
    for expression in patterns(SCHEMA):
        assert re.search(r"\(\?(?![:=!])|\\[AZz]", expression) is None, expression
        assert expression[0] == "^"
        assert expression[-1] == "$" or expression.startswith("^(?!fleet:")
