"""GitHub's own description of its API, as a judge of requests and answers."""

import functools
import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import jsonschema

# GitHub answers these on any path; the description names them for some, and 400 and 429 only in
# the prose beside it ("the last tagged version cannot be deleted", rate limits).
_ANYWHERE = frozenset({400, 401, 403, 404, 429, 500, 502, 503})
_ERROR = {"$ref": "#/components/schemas/basic-error"}
_FORMATS = jsonschema.FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method on one path, and the values of the parameters in that path."""

    name: str
    values: dict[str, str]


class Description:
    """A part of the description, as `tests.registries.extract` cuts it out, in the file `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Each knows all components: to make one takes longer than a request.
        self._validators: dict[str, jsonschema.Draft202012Validator] = {}

    @functools.cached_property
    def _described(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        return found

    @functools.cached_property
    def _patterns(self) -> dict[str, re.Pattern[str]]:
        return {
            name: _pattern(name, found) for name, found in self._described["operations"].items()
        }

    def operation_of(self, method: str, path: str) -> Operation | None:
        """Return the operation that a request is for, if the description has one."""
        for name, pattern in self._patterns.items():
            match = pattern.fullmatch(f"{method} {path}")
            if match:
                values = {key: unquote(value) for key, value in match.groupdict().items()}
                return Operation(name=name, values=values)
        return None

    def example(self, name: str) -> Any:
        """Return a copy of the description's own example of an answer to the operation `name`."""
        return json.loads(json.dumps(self._described["operations"][name]["example"]))

    def faults_of_request(self, operation: Operation, query: str, body: Any = None) -> list[str]:
        """Return what the description does not allow of a request's parameters and body."""
        found = self._described["operations"][operation.name]
        described = {(p["in"], p["name"]): p["schema"] for p in found["parameters"]}
        given = {("path", name): value for name, value in operation.values.items()}
        given |= {("query", name): value for name, value in parse_qsl(query)}
        faults = []
        for key, text in given.items():
            if key not in described:
                faults.append(f"{operation.name}: no {key[0]} parameter {key[1]}")
            else:
                value = int(text) if described[key].get("type") == "integer" else text
                place = f"{operation.name} {key[0]} parameter {key[1]}"
                faults += self._faults(value, described[key], place)
        if body is not None and "body" not in found:
            return [*faults, f"{operation.name}: a request has no body"]
        if "body" in found:
            faults += self._faults(body, found["body"], f"{operation.name} body")
        return faults

    def faults_of_answer(self, operation: Operation, status: int, body: bytes) -> list[str]:
        """Return what the description does not allow of an answer."""
        answers = self._described["operations"][operation.name]["answers"]
        if str(status) not in answers and status not in _ANYWHERE:
            return [f"{operation.name}: {status} is no answer"]
        schema = answers.get(str(status), _ERROR)
        if schema is None:
            return [f"{operation.name}: {status} has a body"] if body else []
        return self._faults(json.loads(body), schema, f"{operation.name} {status}")

    def _faults(self, value: Any, schema: dict[str, Any], place: str) -> list[str]:
        if place not in self._validators:
            whole = {**schema, "components": self._described["components"]}
            self._validators[place] = jsonschema.Draft202012Validator(
                whole, format_checker=_FORMATS
            )
        found = self._validators[place].iter_errors(value)
        return [f"{place}: {error.message}" for error in found]


def _pattern(name: str, found: dict[str, Any]) -> re.Pattern[str]:
    many = {p["name"] for p in found["parameters"] if p.get("segments") == "many"}

    def group(match: re.Match[str]) -> str:
        return f"(?P<{match[1]}>{'.+' if match[1] in many else '[^/]+'})"

    return re.compile(re.sub(r"\{(\w+)\}", group, name))


PACKAGES = Description(Path(__file__).parent / "data" / "packages.json")
operation_of = PACKAGES.operation_of
faults_of_request = PACKAGES.faults_of_request
faults_of_answer = PACKAGES.faults_of_answer
