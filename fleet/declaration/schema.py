"""What each declared value may be: one table, ``schema.json``, and one walk that finds every fault.

The table is a JSON Schema (draft 7), so that an editor reads it too. Beside the standard's
keywords it has ``fault``, what is wrong with a value that breaks the rule, and
``patternErrorMessage``, which editors show as well: what to do about it. What two values say
together is not in it.
"""

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any, Final

from fleet.declaration.formats import FORMATS
from fleet.declaration.problems import Fault, Problems, kind_of

Schema = Mapping[str, Any]


def read(package: str) -> Any:
    """Return the table ``schema.json`` of ``package``."""
    return json.loads(resources.files(package).joinpath("schema.json").read_text("utf-8"))


_FILE: Final = read(__package__)
_CONFIG: Final = _FILE["properties"]["config"]
DEFINITIONS: Final[Mapping[str, Schema]] = _FILE["definitions"]
SHARE_KEYS: Final = ("part-of", "only", "below", "with-github")
"""The keys of a stack that manages a share of another stack's declaration."""

_TOP: Final = "fleet:"
"""The prefix of the keys of the first level, which Pulumi asks for."""

KEYS: Final[Mapping[str, Schema]] = {
    key.removeprefix(_TOP): schema for key, schema in _CONFIG["properties"].items()
}
SHARE: Final[Schema] = {
    "properties": {key: KEYS[key] for key in SHARE_KEYS},
    "additionalProperties": False,
    "required": ["part-of"],
}
STACK: Final[Schema] = {
    "properties": {key: schema for key, schema in KEYS.items() if key not in SHARE_KEYS},
    "additionalProperties": False,
    "required": [key.removeprefix(_TOP) for key in _CONFIG["else"]["required"]],
}

_FAULTY: Final = object()
_HIDDEN: Final = " (it is not shown, for it may be a secret)"
_QUOTES: Final = "Put it in quotes: YAML reads 3.10 as the number 3.1"


def matches(text: str, definition: str, definitions: Mapping[str, Schema] = DEFINITIONS) -> bool:
    """Tell whether ``text`` has the form of one of the ``definitions``."""
    return re.fullmatch(definitions[definition]["pattern"], text) is not None


def fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return sound ``values`` by the names of the dataclass fields that hold them."""
    return {key.replace("-", "_"): held for key, held in values.items()}


def sound(
    values: Mapping[str, Any],
    schema: Schema,
    path: str,
    problems: Problems,
    definitions: Mapping[str, Schema] = DEFINITIONS,
) -> Any:
    """Return what of ``values`` is as ``schema`` has it, and note the rest in ``problems``.

    Lists come as tuples, and truth values and numbers as such, though Pulumi hands them over as
    text. Below what is ``writeOnly``, no value and no key gets into a problem.
    """
    return _Walk(problems=problems, definitions=definitions).mapping(values, schema, path)


@dataclass(frozen=True, kw_only=True)
class _Walk:
    """A walk over values; with ``hidden``, none of them is shown."""

    problems: Problems
    definitions: Mapping[str, Schema]
    hidden: bool = False

    def value(self, given: Any, schema: Schema, path: str) -> Any:
        """Return ``given`` as the program takes it, ``_FAULTY`` where it is not sound."""
        if "$ref" in schema:
            schema = {**self.definitions[schema["$ref"].rpartition("/")[2]], **schema}
        kinds = _kinds(schema)
        walk = replace(self, hidden=True) if schema.get("writeOnly") else self
        if given is None:
            return walk.refuse(path, "is empty", "Give it a value")
        if "not" in schema:
            return walk.refuse(path, schema["fault"], schema["patternErrorMessage"])
        if "object" in kinds and isinstance(given, Mapping):
            return walk.mapping(given, schema, path)
        if "object" in kinds and not ("string" in kinds and _fits(given, schema)):
            remedy = schema.get("patternErrorMessage", "Write it as key: value lines")
            return walk.refuse(path, walk.is_not(given, "a mapping"), remedy)
        if "array" in kinds:
            return walk.entries(given, schema, path)
        return walk.text(given, schema, path)

    def mapping(self, given: Mapping[Any, Any], schema: Schema, path: str) -> Any:
        """Return the sound entries of ``given``; those of ``allOf`` by the rule that applies."""
        known = schema.get("properties", {})
        if len(given) < schema.get("minProperties", 0):
            self.refuse(path, "is empty", "Declare at least one entry")
        if len(given) > schema.get("maxProperties", len(given)):
            return self.refuse(path, schema["fault"], schema["patternErrorMessage"])
        found = self._others({str(k): v for k, v in given.items() if k not in known}, schema, path)
        for key, inner in known.items():
            if key in given:
                found[key] = self.value(given[key], inner, _at(path, key))
            elif key in schema.get("required", ()):
                self.refuse(_at(path, key), "is missing", "Declare it")
        for rule in schema.get("allOf", ()):
            if all(given.get(k) == s["const"] for k, s in rule["if"]["properties"].items()):
                decided = rule["then"]["properties"]
                found = {key: held for key, held in found.items() if key not in decided}
                found |= self.mapping(given, rule["then"], path)
        return {key: held for key, held in found.items() if held is not _FAULTY}

    def _others(self, given: Mapping[str, Any], schema: Schema, path: str) -> dict[str, Any]:
        """Return those of ``given``, keys without a rule of their own, for which there is one."""
        rule, found = schema.get("additionalProperties", True), {}
        for key, held in given.items():
            place = _at(path, key)
            if rule is False:
                self._note_unknown(path, key, schema["properties"])
                continue
            name = key
            if "propertyNames" in schema:
                name = self.value(key, schema["propertyNames"], path if self.hidden else place)
            if isinstance(rule, Mapping) and not (self.hidden and name is _FAULTY):
                found[key] = self.value(held, rule, place)
        return found

    def _note_unknown(self, path: str, key: str, known: Schema) -> None:
        if self.hidden:
            remedy = f"Known keys: {', '.join(known)}"
            self.refuse(path, f"has an unknown key{_HIDDEN}", remedy)
        else:
            remedy = _misplaced(path, key, known) or _known(path, key, known)
            self.refuse(_at(path, key), "unknown key", remedy)

    def entries(self, given: Any, schema: Schema, path: str) -> Any:
        """Return the sound entries of a list."""
        if not isinstance(given, list | tuple):
            return self.refuse(path, self.is_not(given, "a list"), "Write it as a list: [one, two]")
        if len(given) < schema.get("minItems", 0):
            self.refuse(path, "is empty", "Name at least one entry")
        if len(given) > schema.get("maxItems", len(given)):
            self.refuse(path, f"has more than {schema['maxItems']} entries", "Leave some out")
        for i, item in enumerate(given if schema.get("uniqueItems") else ()):
            if item in given[:i]:
                what = self._shown(item, "is listed twice")
                self.refuse(f"{path}[{i}]", what, "Remove one of the two")
        found = [self.value(item, schema["items"], f"{path}[{i}]") for i, item in enumerate(given)]
        return tuple(item for item in found if item is not _FAULTY)

    def text(self, given: Any, schema: Schema, path: str) -> Any:
        """Return a text, or the number or truth value that one stands for."""
        kinds = _kinds(schema)
        if kinds == ("string",) and not isinstance(given, str) and not self.hidden:
            is_number = isinstance(given, int | float) and not isinstance(given, bool)
            remedy = _QUOTES if is_number else "Write one text there, in quotes"
            return self.refuse(path, self.is_not(given, "text"), remedy)
        if fault := _fault(given, schema):
            return self.refuse(path, self._shown(given, fault.what), fault.remedy)
        if "boolean" in kinds:
            return str(given).lower() == "true"
        if "integer" in kinds:
            return int(float(given))
        return float(given) if "number" in kinds else given

    def is_not(self, given: object, kind: str) -> str:
        return f"is not {kind}{_HIDDEN}" if self.hidden else f"is {kind_of(given)}, not {kind}"

    def _shown(self, given: object, what: str) -> str:
        return f"{what}{_HIDDEN}" if self.hidden else f"{given!r} {what}"

    def refuse(self, path: str, what: str, remedy: str) -> object:
        """Note a problem; return ``_FAULTY``."""
        self.problems.add(path, what, remedy)
        return _FAULTY


def _misplaced(path: str, key: str, known: Schema) -> str:
    """Return where ``key`` belongs, if it is a key of an image at the top or the reverse."""
    of_images = DEFINITIONS["image"]["properties"]
    if path == _TOP and "images" in known and key in of_images:
        return (
            f"{key} is a key of an image. Move it to {_TOP}defaults or to an entry of {_TOP}images"
        )
    if known is of_images and key in STACK["properties"]:
        return f"It is a key of the whole fleet. Write {_TOP}{key} at the top"
    return ""


def _known(path: str, key: str, known: Schema) -> str:
    """Return the ``known`` keys as they are written, first the one that ``key`` resembles."""
    start = path if path == _TOP else ""
    by_letters = {name.lower(): name for name in known}
    near = difflib.get_close_matches(key.lower(), by_letters, n=1)
    guess = f"Did you mean {start}{by_letters[near[0]]}? " if near else ""
    return f"{guess}Known keys: {', '.join(start + name for name in known)}"


def _fault(given: Any, schema: Schema) -> Fault | None:
    """Return what is wrong with a text, or with a number or truth value that may come as one."""
    if not _fits(given, schema):
        listed = f"Use one of {', '.join(schema.get('enum', ()))}"
        return Fault(schema["fault"], schema.get("patternErrorMessage", listed))
    longest = schema.get("maxLength", len(str(given)))
    if len(str(given)) > longest:
        return Fault(f"has more than {longest} characters", "Declare a shorter one")
    return FORMATS[schema["format"]](given) if "format" in schema else None


def _fits(given: object, schema: Schema) -> bool:
    """Tell whether ``given`` is of the form that ``schema`` asks for, numbers as their text."""
    kinds = _kinds(schema)
    if isinstance(given, bool):
        return "boolean" in kinds
    if isinstance(given, int | float) and "number" in kinds:
        return bool(schema["minimum"] <= given <= schema["maximum"])
    if not isinstance(given, str) and not (isinstance(given, int | float) and "integer" in kinds):
        return False
    if "enum" in schema:
        return given in schema["enum"]
    return re.fullmatch(schema.get("pattern", "(?s:.*)"), str(given)) is not None


def _kinds(schema: Schema) -> tuple[str, ...]:
    kinds = schema.get("type", "string")
    return (kinds,) if isinstance(kinds, str) else tuple(kinds)


def _at(path: str, key: str) -> str:
    """Return the path of ``key``; the first level is a Pulumi key such as ``fleet:images``."""
    return f"{path}{key}" if path.endswith(":") else f"{path}.{key}"
