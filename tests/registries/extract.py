"""Cuts what a stand-in for GitHub needs out of GitHub's OpenAPI description.

    python -m tests.registries.extract packages FILE > tests/registries/data/packages.json
    python -m tests.registries.extract repository FILE > tests/github/data/repository.json
    python -m tests.registries.extract jobs FILE > tests/fleet/github/data/jobs.json

`FILE` is `generated/api.github.com.json` of the npm package `@octokit/openapi` (MIT).
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.registries.wanted import EXAMPLES, WANTED

_TEXTS = frozenset({"description", "example", "title"})


def extract(whole: dict[str, Any], wanted: tuple[str, ...]) -> dict[str, Any]:
    """Return operations (`METHOD path`) with parameters, bodies and answers, and their schemas."""
    operations = {}
    for name in wanted:
        method, _, path = name.partition(" ")
        operations[name] = _operation(whole["paths"][path][method.lower()], whole)
    for name in EXAMPLES & operations.keys():
        operations[name]["example"] = _example(name, whole)
    schemas: dict[str, Any] = {}
    pending = ["basic-error", *_named(operations)]
    while pending:
        name = pending.pop()
        if name not in schemas:
            schemas[name] = _schema(whole["components"]["schemas"][name])
            pending += _named(schemas[name])
    return {
        "source": f"npm @octokit/openapi {whole['info']['version']}, api.github.com.json (MIT)",
        "note": "Texts are left out; `nullable` of OpenAPI 3.0 is a type list, as JSON Schema has.",
        "operations": operations,
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


def _operation(found: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    components = whole["components"]
    parameters = [_resolved(entry, components["parameters"]) for entry in found["parameters"]]
    answers = {
        status: _resolved(answer, components["responses"])
        for status, answer in found["responses"].items()
    }
    body = {"body": _content(found["requestBody"])} if "requestBody" in found else {}
    return {
        "parameters": [_parameter(p) for p in parameters],
        **body,
        "answers": {status: _content(answer) for status, answer in answers.items()},
    }


def _parameter(found: dict[str, Any]) -> dict[str, Any]:
    many = {"segments": "many"} if found.get("x-multi-segment") else {}
    return {
        "name": found["name"],
        "in": found["in"],
        **many,
        "schema": _schema(found["schema"]),
    }


def _content(found: dict[str, Any]) -> Any:
    return _schema(found.get("content", {}).get("application/json", {}).get("schema"))


def _example(name: str, whole: dict[str, Any]) -> Any:
    method, _, path = name.partition(" ")
    answer = whole["paths"][path][method.lower()]["responses"]["200"]
    (found,) = answer["content"]["application/json"]["examples"].values()
    return _resolved(found, whole["components"]["examples"])["value"]


def _resolved(entry: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    resolved = components[entry["$ref"].rpartition("/")[2]] if "$ref" in entry else entry
    return dict(resolved)


def _schema(node: Any) -> Any:
    if isinstance(node, list):
        return [_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _schema(value)
        for key, value in node.items()
        if key != "nullable" and (key not in _TEXTS or isinstance(value, dict))
    }
    if node.get("nullable") and "type" in kept:
        kept["type"] = [kept["type"], "null"]
    return kept


def _named(node: Any) -> list[str]:
    if isinstance(node, list):
        return [name for item in node for name in _named(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"].rpartition("/")[2]] if isinstance(node.get("$ref"), str) else []
    return own + [name for value in node.values() for name in _named(value)]


if __name__ == "__main__":
    found = extract(json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")), WANTED[sys.argv[1]])
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
