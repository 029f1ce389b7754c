"""What a run published: the rows of the stack's outputs."""

from collections.abc import Mapping
from typing import Any

Rows = Mapping[str, Mapping[str, Any]]
"""The row of each version tag and pointer that stands in the registry, by full reference.

That of a version tag has ``digest``, ``platforms`` and ``size``, in bytes of all platforms.
"""


def published(outputs: Mapping[str, Any]) -> Rows:
    """Return what is in a stack's ``outputs``: ``tags`` and ``pointers``, see ``components.fleet``.

    One without a digest is of something that failed: it is left out.
    """
    return {ref: row for ref, row in rows(outputs).items() if row["digest"]}


def rows(outputs: Mapping[str, Any]) -> Rows:
    """Return the row of each tag and pointer in ``outputs``, also of one that failed."""
    found = (row for kind in ("tags", "pointers") for row in outputs.get(kind) or ())
    return {str(row["tag"]): row for row in found}
