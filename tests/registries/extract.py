"""Cuts what the Packages API needs out of GitHub's OpenAPI description.

    python -m tests.registries.extract api.github.com.json > tests/registries/data/packages.json

The description is in the npm package `@octokit/openapi` (MIT), folder `generated`.
"""

import json
import sys
from pathlib import Path
from typing import Any

_OWNERS = ("/orgs/{org}", "/users/{username}")
_ROOT = "/packages/{package_type}/{package_name}"
_WANTED = (
    ("get", ""),
    ("get", "/versions"),
    ("get", "/versions/{package_version_id}"),
    ("delete", "/versions/{package_version_id}"),
    ("post", "/versions/{package_version_id}/restore"),
)
_TEXTS = frozenset({"description", "example", "title"})


def extract(whole: dict[str, Any]) -> dict[str, Any]:
    """Return operations (`METHOD path`) with parameters and answers, and the schemas they use."""
    operations = {
        f"{method.upper()} {owner}{_ROOT}{rest}": _operation(
            whole["paths"][f"{owner}{_ROOT}{rest}"][method], whole
        )
        for owner in _OWNERS
        for method, rest in _WANTED
    }
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
    return {
        "parameters": [
            {"name": p["name"], "in": p["in"], "schema": _schema(p["schema"])} for p in parameters
        ],
        "answers": {
            status: _schema(answer.get("content", {}).get("application/json", {}).get("schema"))
            for status, answer in answers.items()
        },
    }


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
    found = extract(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
