"""The package schema of this provider, for `pulumi import` and `pulumi package get-schema`."""

from collections.abc import Iterable
from typing import Any

from fleet.registry.undo_log import Removal
from providers.ociregistry.evidence.model import EvidenceState
from providers.ociregistry.fields import PACKAGE, Field, fields_of, token
from providers.ociregistry.mirror.model import Copied
from providers.ociregistry.sdk import ARGUMENTS, Evidence, Login, ProviderArgs, outputs_of
from providers.ociregistry.stale_pointers.model import Kept, PointerPattern
from providers.ociregistry.tag.model import Platform

_RECORDS = (Login, Evidence, EvidenceState, Platform, PointerPattern, Kept, Removal, Copied)


def package_schema() -> dict[str, Any]:
    """Return the schema, from the table of fields."""
    config = _properties(fields_of(ProviderArgs))
    return {
        "name": PACKAGE,
        "version": "0.1.0",
        "description": "Keeps the names of an OCI registry equal to a declaration.",
        "types": {token(record): _record(record) for record in _RECORDS},
        "config": {"variables": config},
        "provider": {"description": ProviderArgs.__doc__, "inputProperties": config},
        "resources": {token(resource): _resource(resource) for resource in ARGUMENTS},
    }


def _record(record: type) -> dict[str, Any]:
    fields = fields_of(record)
    return {
        "type": "object",
        "properties": _properties(fields),
        "required": [field.name for field in fields if field.required],
    }


def _resource(resource: type) -> dict[str, Any]:
    inputs, outputs = fields_of(ARGUMENTS[resource]), outputs_of(resource)
    required = [field.name for field in inputs if field.required]
    return {
        "description": resource.__doc__,
        "inputProperties": _properties(inputs),
        "requiredInputs": required,
        "properties": _properties((*inputs, *outputs)),
        "required": sorted({*required, *(field.name for field in outputs if field.required)}),
    }


def _properties(fields: Iterable[Field]) -> dict[str, Any]:
    return {field.name: field.schema for field in fields}
