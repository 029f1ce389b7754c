"""The schema that editors read, beside the parser: what either says of a declaration."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema

from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError, Problem
from fleet.declaration.stack_share import is_share, parse_share
from tests.fleet.evidence.examples import key as signing_key
from tests.fleet.examples import config, image

ROOT: Final = Path(__file__).parents[3]
SCHEMA: Final = json.loads((ROOT / "fleet/declaration/schema.json").read_text("utf-8"))

Place = tuple[str | int, ...]

_IMAGE = image(
    exclude=[{"python": "3.11", "version": "0.33.0", "because": "it fails"}],
    releases={},
    **{"python-releases": {}},
)
WHOLE: Final = config(
    registry="ghcr.io/multi-py",
    mirrors=["quay.io/multi-py"],
    builders={
        "linux/amd64": "hosted",
        "linux/arm64": "kube",
        "linux/arm/v7": "arm",
        "linux/386": "engine",
    },
    defaults=_IMAGE,
    images={"web": copy.deepcopy(_IMAGE), "api": {}},
    logins={"docker.io": {"username": "HUB_USER", "password": "HUB_TOKEN"}},
    github={"repository": "multi-py/fleet"},
    signing={"keys": [signing_key().public.pem]},
    secrets=["TOKEN"],
    variables={"BACKEND": "s3://bucket"},
    schedules={},
    advisories={
        "source": "https://api.osv.dev",
        "waivers": [{"id": "CVE-2024-1", "because": "not reached", "until": "2027-01-31"}],
    },
    **{
        "on-conflict": {},
        "on-destroy": {},
        "builder-nodes": {
            "arm": {"driver": "remote", "endpoint": "unix:///run/b.sock", "options": {}},
            "kube": {"driver": "kubernetes", "options": {}},
            "engine": {"driver": "docker-container", "endpoint": "big", "options": {}},
        },
    },
)
"""A sound declaration, with a mapping wherever there may be one."""

PART: Final[dict[str, Any]] = {
    "part-of": "prod",
    "only": ["web"],
    "below": {"base": "prod-base"},
    "with-github": True,
}

_VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def changed(values: Mapping[str, Any], place: Place, value: object) -> Any:
    """Return ``values`` with ``value`` at ``place``."""
    found: Any = copy.deepcopy(dict(values))
    inner = found
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return found


def of_parser(values: Mapping[str, Any]) -> list[Problem]:
    """Return the problems that the parser finds in a stack's ``values``."""
    try:
        if is_share(values):
            parse_share(values, "")
        else:
            parse(values)
    except DeclarationError as error:
        return list(error.problems)
    return []


def of_schema(values: Mapping[str, Any]) -> list[jsonschema.ValidationError]:
    """Return the errors that the schema finds in a stack's ``values``."""
    return of_file({"config": {f"fleet:{key}": value for key, value in values.items()}})


def of_file(contents: object) -> list[jsonschema.ValidationError]:
    """Return the errors that the schema finds in the ``contents`` of a stack's file."""
    return list(_VALIDATOR.iter_errors(contents))
