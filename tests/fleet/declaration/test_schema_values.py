"""What the schema for editors refuses, the parser refuses, with the same remedy."""

import re
from collections.abc import Iterator
from typing import Any, cast

import jsonschema
import pytest

from fleet.declaration import (
    github,
    logins,
    node_validators,
    release_policy,
    signing,
    split,
    stack_share,
    validators,
)
from fleet.declaration.config_reader import Pattern
from tests.fleet.declaration.editor_schema import (
    DEFINITIONS,
    KEYS,
    PART,
    SCHEMA,
    WHOLE,
    Place,
    changed,
    of_parser,
    of_schema,
)
from tests.fleet.declaration.schema_examples import RIGHT, WRONG


def of(place: Place) -> dict[str, Any]:
    return PART if place[0] in PART else WHOLE


def rule_of(error: jsonschema.ValidationError) -> dict[str, Any]:
    return cast("dict[str, Any]", error.schema)


def remedies_in(error: jsonschema.ValidationError) -> Iterator[str]:
    if error.validator == "pattern":
        yield rule_of(error)["patternErrorMessage"]
    if error.validator == "enum":
        yield f"Use one of {', '.join(rule_of(error)['enum'])}"


@pytest.mark.parametrize(("place", "value"), WRONG)
def test_what_the_schema_refuses_the_parser_refuses_with_the_same_remedy(
    place: Place, value: Any
) -> None:
    values = changed(of(place), place, value)
    remedies = {problem.remedy for problem in of_parser(values)}
    errors = of_schema(values)
    assert remedies
    assert errors
    told = {remedy for error in errors for remedy in remedies_in(error)}
    assert told - {"Write by hand, or key: value lines"} <= remedies


@pytest.mark.parametrize(("place", "value"), RIGHT)
def test_what_the_parser_takes_the_schema_takes(place: Place, value: Any) -> None:
    values = changed(of(place), place, value)
    assert of_parser(values) == []
    assert of_schema(values) == []


PATTERNS = sorted(name for name, each in DEFINITIONS.items() if "pattern" in each)


def enumerations(schema: Any) -> Iterator[tuple[str, ...]]:
    if isinstance(schema, dict):
        for key, each in schema.items():
            if key == "enum":
                yield tuple(each)
            elif key != "if":
                yield from enumerations(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from enumerations(each)


def test_each_pattern_is_broken_once_and_each_enumeration() -> None:
    errors = [
        error for place, value in WRONG for error in of_schema(changed(of(place), place, value))
    ]
    broken = [rule_of(error) for error in errors if error.validator in ("pattern", "enum")]
    assert [name for name in PATTERNS if DEFINITIONS[name] not in broken] == []
    lists = {tuple(each["enum"]) for each in broken if "enum" in each}
    assert lists == {*enumerations(SCHEMA["properties"]), *enumerations(DEFINITIONS)}


_OF_THE_SCHEMA = {
    "cron", "flag", "python-releases", "releases", "share", "version", "whole-number",
}  # fmt: skip
"""What the parser reads without an expression for the whole text; the tables hold these."""

_MODULES = (
    github,
    logins,
    node_validators,
    release_policy,
    signing,
    split,
    stack_share,
    validators,
)


def in_ecmascript(expression: str) -> str:
    """Return what JSON Schema calls a pattern that the whole text must match."""
    plain = re.sub(r"\(\?P<\w+>", "(?:", expression).replace(r"\Z", "$").replace(r"\"", '"')
    return f"^(?:{plain})$" if "|" in plain else f"^{plain}$"


def test_the_patterns_are_the_parsers() -> None:
    rules = [rule for module in _MODULES for rule in vars(module).values()]
    rules += node_validators.ENDPOINTS.values()
    wanted = {in_ecmascript(rule.expression) for rule in rules if isinstance(rule, Pattern)}
    assert {
        DEFINITIONS[name]["pattern"] for name in PATTERNS if name not in _OF_THE_SCHEMA
    } == wanted
    for key, name in (("images", "repository"), ("variables", "secret")):
        assert [*KEYS[key]["patternProperties"]] == [DEFINITIONS[name]["pattern"]]


def patterns_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("patternProperties", {})
        yield from (value for key, value in schema.items() if key == "pattern")
    inner = schema.values() if isinstance(schema, dict) else schema
    if isinstance(schema, dict | list):
        for each in inner:
            yield from patterns_in(each)


def test_no_pattern_has_what_ecmascript_has_not() -> None:
    for expression in patterns_in(SCHEMA):
        assert re.search(r"\(\?(?![:=!])|\\[AZz]", expression) is None, expression
        assert expression[0] == "^"
