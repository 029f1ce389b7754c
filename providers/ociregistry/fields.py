"""Fields of the provider's resources, each written once: `sdk.py` declares them.

An attribute of a dataclass is `Annotated[type, description]`, an output of a resource an `Out`.
Schema, reference page, and the properties that the engine carries are made of these.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

PACKAGE = "ociregistry"
TAG = "ociregistry:index:Tag"
STALE_POINTERS = "ociregistry:index:StalePointers"
MIRROR = "ociregistry:index:Mirror"
PROVIDER = "pulumi:providers:ociregistry"

_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean"}

_CLASSES: dict[Any, type] = {Literal: str, Mapping: dict, Sequence: list}

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Field:
    """A field by its `attribute` in Python; `kind` is the type of its plain value."""

    attribute: str
    kind: Any
    description: str = ""
    required: bool = False

    @cached_property
    def name(self) -> str:
        """The name of the property."""
        return re.sub("_([a-z])", lambda match: match[1].upper(), self.attribute)

    @property
    def schema(self) -> dict[str, Any]:
        """The field in a package schema."""
        described = {"description": self.description} if self.description else {}
        return {**_schema(self.kind), **described}


def fields_of(record: Any) -> tuple[Field, ...]:
    """Return the fields of a dataclass; each tag of a run asks for those of the same few."""
    return _fields_of(record)


@cache
def _fields_of(record: Any) -> tuple[Field, ...]:
    found, absent = [], dataclasses.MISSING
    for each in dataclasses.fields(record):
        annotated = get_origin(each.type) is Annotated
        kind, description = get_args(each.type) if annotated else (each.type, "")
        required = each.default is absent and each.default_factory is absent
        field = Field(
            attribute=each.name, kind=_plain(kind), description=description, required=required
        )
        found.append(field)
    return tuple(found)


def _plain(kind: Any) -> Any:
    """Return the type of a plain value: the first of a union (`pulumi.Input`, optional)."""
    return get_args(kind)[0] if get_origin(kind) in {Union, UnionType} else kind


def encoded(value: Any) -> Any:
    """Return a value as the engine carries it: a dataclass becomes an object."""
    if dataclasses.is_dataclass(value):
        return {f.name: encoded(getattr(value, f.attribute)) for f in fields_of(type(value))}
    if isinstance(value, Mapping):
        return {key: encoded(item) for key, item in value.items()}
    return list(map(encoded, value)) if isinstance(value, list | tuple) else value


def decoded(record: type[_T], properties: Mapping[str, Any]) -> _T:
    """Return a dataclass from properties that `encoded` made; what is absent has its default.

    :raises TypeError: if a field without a default is absent, or there are no properties.
    """
    found = [field for field in fields_of(record) if field.name in properties]
    return record(**{f.attribute: _decoded(f.kind, properties[f.name]) for f in found})


def _decoded(kind: Any, value: Any) -> Any:
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return decoded(kind, value)
    if get_origin(kind) is tuple:
        return tuple(_decoded(get_args(kind)[0], item) for item in value)
    return int(value) if kind is int else value


def checked(record: type[_T], properties: Mapping[str, Any], problems: dict[str, str]) -> _T:
    """Return what was declared, with an empty value in the place of each that is missing or wrong.

    `problems` get the property and the reason for each that is of a wrong type.
    """
    found: dict[str, Any] = {}
    for field in fields_of(record):
        wanted = _class_of(field.kind)
        value = properties.get(field.name)
        if isinstance(value, wanted):
            found[field.attribute] = _record(field, value, problems)
        elif value is not None:
            problems[field.name] = f"{value!r} is no {wanted.__name__}"
        if field.required:
            found.setdefault(field.attribute, wanted())
    return record(**found)


def _class_of(kind: Any) -> type:
    if dataclasses.is_dataclass(kind):
        return dict
    found: type = _CLASSES.get(get_origin(kind), kind)
    return found


def _record(field: Field, value: Any, problems: dict[str, str]) -> Any:
    """Return a value, with a dataclass in the place of an object, or of those in a list of such."""
    if isinstance(field.kind, type) and dataclasses.is_dataclass(field.kind):
        nested: dict[str, str] = {}
        found_in = checked(field.kind, value, nested)
        problems |= {f"{field.name}.{name}": reason for name, reason in nested.items()}
        return found_in
    record = get_args(field.kind)[0] if isinstance(value, list) else None
    if not isinstance(record, type) or not dataclasses.is_dataclass(record):
        return value
    found = []
    for position, item in enumerate(value):
        try:
            found.append(decoded(record, item))
        except TypeError as error:
            problems[f"{field.name}[{position}]"] = str(error)
    return found


def _schema(kind: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(kind):
        return {"$ref": f"#/types/{token(kind)}"}
    if get_origin(kind) is Mapping:
        return {"type": "object", "additionalProperties": _schema(_plain(get_args(kind)[1]))}
    if get_origin(kind) in {Sequence, tuple}:
        return {"type": "array", "items": _schema(_plain(get_args(kind)[0]))}
    return {"type": _NAMES[_class_of(kind)]}


def token(named: Any) -> str:
    """Return the name of a resource or of a record in the schema."""
    return f"{PACKAGE}:index:{named.__name__}"
