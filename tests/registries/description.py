"""GitHub's own description of its Packages API, as a judge of requests and answers."""

import functools
import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import jsonschema

_DATA = Path(__file__).parent / "data" / "packages.json"
# GitHub answers these on any path; the description names them for some, and 400 and 429 only in
# the prose beside it ("the last tagged version cannot be deleted", rate limits).
_ANYWHERE = frozenset({400, 401, 403, 404, 429, 500, 502, 503})
_FORMATS = jsonschema.FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method on one path, and the values of the parameters in that path."""

    name: str
    values: dict[str, str]


@functools.cache
def _described() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_DATA.read_text(encoding="utf-8"))
    return found


def operation_of(method: str, path: str) -> Operation | None:
    """Return the operation that a request is for, if the description has one."""
    for name in _described()["operations"]:
        verb, _, template = name.partition(" ")
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
        match = re.fullmatch(pattern, path)
        if verb == method and match:
            values = {key: unquote(value) for key, value in match.groupdict().items()}
            return Operation(name=name, values=values)
    return None


def faults_of_request(operation: Operation, query: str) -> list[str]:
    """Return what the description does not allow of a request's parameters."""
    described = {
        (p["in"], p["name"]): p["schema"]
        for p in _described()["operations"][operation.name]["parameters"]
    }
    given = {("path", name): value for name, value in operation.values.items()}
    given |= {("query", name): value for name, value in parse_qsl(query)}
    faults = []
    for key, text in given.items():
        if key not in described:
            faults.append(f"{operation.name}: no {key[0]} parameter {key[1]}")
        else:
            value = int(text) if described[key].get("type") == "integer" else text
            faults += _faults(value, described[key], f"{operation.name} {key[1]}")
    return faults


def faults_of_answer(operation: Operation, status: int, body: bytes) -> list[str]:
    """Return what the description does not allow of an answer."""
    answers = _described()["operations"][operation.name]["answers"]
    if str(status) not in answers and status not in _ANYWHERE:
        return [f"{operation.name}: {status} is no answer"]
    schema = answers.get(str(status), {"$ref": "#/components/schemas/basic-error"})
    if schema is None:
        return [f"{operation.name}: {status} has a body"] if body else []
    return _faults(json.loads(body), schema, f"{operation.name} {status}")


def _faults(value: Any, schema: dict[str, Any], place: str) -> list[str]:
    whole = {**schema, "components": _described()["components"]}
    validator = jsonschema.Draft202012Validator(whole, format_checker=_FORMATS)
    return [f"{place}: {error.message}" for error in validator.iter_errors(value)]
