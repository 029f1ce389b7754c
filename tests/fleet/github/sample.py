"""The least that a schema of GitHub's description allows, to be filled in by a test."""

from collections.abc import Mapping
from typing import Any

_FORMATS = {"date-time": "2026-11-23T12:00:00Z", "uri": "https://api.github.com/x"}
_CHOICES = ("oneOf", "anyOf")


def sample(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """Return a value of `schema`, whose references are to `schemas`."""
    if "$ref" in schema:
        return sample(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    choice = next((name for name in _CHOICES if name in schema), "")
    if choice and "properties" not in schema:
        return sample(schema[choice][0], schemas)
    if "allOf" in schema:
        parts = [sample(part, schemas) for part in schema["allOf"]]
        return {key: value for part in parts for key, value in part.items()}
    return schema["enum"][0] if "enum" in schema else _plain(schema, schemas)


def _plain(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        return None
    if kind == "object":
        needed = schema.get("required", ())
        return {name: sample(schema["properties"][name], schemas) for name in needed}
    plain = {"array": [], "integer": 1, "number": 1, "boolean": False}
    return plain.get(kind, _FORMATS.get(schema.get("format", ""), "x"))
