"""Failures after which the engine is to keep a state: what was done before is in it."""

from typing import Any

from fleet.registry.errors import OciError


class PartialFailureError(OciError):
    """A create or update of which a part was done: carries the state to keep."""

    def __init__(self, message: str, *, resource_id: str, properties: dict[str, Any]) -> None:
        super().__init__(message)
        self.resource_id = resource_id
        self.properties = properties
