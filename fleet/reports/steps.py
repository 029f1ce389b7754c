"""What the engine's events tell of each resource."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from providers.ociregistry.report import FAILURE

BUILD: Final = "docker-build:index:Image"
"""The type of a build's resource, as the engine names it."""

IMAGE_TAG: Final = "fleet:index:ImageTag"
"""That of a version tag's component."""

_COLOUR: Final = re.compile(r"<\{%[^%]*%\}>")
_URN_PARTS: Final = 4


def plain(message: Any) -> str:
    """Return the message of a diagnostic without the engine's own marks of colours."""
    return _COLOUR.sub("", str(message or ""))


def parts_of(urn: str) -> tuple[str, str]:
    """Return the type and the logical name in a URN, both empty where it is not one.

    It is ``urn:pulumi:STACK::PROJECT::TYPES::NAME``; the last of the types is the resource's own. A
    name may hold ``::``, as the address of a registry by IPv6 does.
    """
    parts = urn.split("::", _URN_PARTS - 1)
    return (parts[2].rpartition("$")[2], parts[3]) if len(parts) == _URN_PARTS else ("", "")


@dataclass(frozen=True, kw_only=True)
class State:
    """A resource's inputs and outputs, as an event has them."""

    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]

    @classmethod
    def of(cls, found: Mapping[str, Any] | None) -> Self | None:
        """Return the state in an event's metadata, None where there is none."""
        if not found:
            return None
        return cls(inputs=found.get("inputs") or {}, outputs=found.get("outputs") or {})


@dataclass(kw_only=True)
class Step:
    """The steps of a run for one resource: it was read (`before`, `read`), then dealt with.

    `read` is None where nothing was read, or the resource was found absent. `gone` is the state of
    a resource that the program does not declare any more, or that another one replaces. `begun`
    are the operations of which no end is told.
    """

    urn: str
    token: str
    reading: bool = False
    before: State | None = None
    read: State | None = None
    op: str = ""
    old: State | None = None
    new: State | None = None
    gone: State | None = None
    failed: bool = False
    errors: list[str] = field(default_factory=list)
    begun: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The resource's logical name."""
        return parts_of(self.urn)[1]

    @property
    def went_wrong(self) -> bool:
        """True if the engine failed to deal with it, or an error was reported for it."""
        return self.failed or bool(self.errors)

    @property
    def declared(self) -> bool:
        """True if the program declares it; what fails its check has no step."""
        return bool(self.op and self.new) or bool(self.errors and self.gone is None)

    def take(self, op: str, old: State | None, new: State | None, *, failed: bool) -> None:
        """Take a step of the engine; the last event of a step has all that is known."""
        self.failed = self.failed or failed
        if op in {"delete", "delete-replaced"}:
            self.gone = old
        elif op != "replace":
            self.op, self.old, self.new = op, old, new
            if new and FAILURE in new.outputs:
                self.errors.append(str(new.outputs[FAILURE]))
